//! `xtask tidy`: what the house rules say about files and crates, checked.
//!
//! The checks are plain functions from texts to findings, so that each has a test with a text that
//! breaks it. This file only gathers the input and runs them all, because one run should show
//! everything that is wrong.

mod fixture;
mod layering;
mod source;

use crate::Answer;
use crate::checkout::Checkout;
use crate::finding;

/// Runs all checks over the working copy.
pub(crate) fn tidy(checkout: &Checkout) -> anyhow::Result<Answer> {
    let files = checkout.files()?;
    let crates = layering::own_crates(checkout, &files, &checkout.own_crates()?);
    let mut findings = layering::check(&crates);
    for file in &files.texts {
        findings.extend(source::check(&file.path, &file.text));
    }
    findings.extend(fixture::check(&files));
    let looked_at = format!("{} crates and {} files", crates.len(), files.paths.len());
    Ok(finding::report("tidy", &looked_at, findings))
}
