//! Runs decoders over a line: finds the root, then the child, and puts what they capture into fields.

use std::collections::HashMap;

use super::json::{self, JsonOptions, JsonOutcome};
use super::{BuiltIn, Chain, Decoder, Decoders, Offset, Root, Target};
use crate::fields::Fields;
use crate::pattern::Captures;
use crate::prefilter::{Members, bytes_of};

/// How many program names keep their list of roots. Names come from the log, so that an attacker could invent any number.
const PROGRAMS_MAX: usize = 1024;

/// Longer names than any real program's are looked up anew each time.
const PROGRAM_BYTES_MAX: usize = 64;

/// Which decoder an event has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Found {
    /// The decoder whose type, name and options count.
    pub(crate) decoder: usize,
    /// Its root, which may be the same.
    pub(crate) root: usize,
}

/// Memory that is used again for every event.
#[derive(Debug, Default)]
pub(crate) struct Scratch {
    pub(crate) captures: Captures,
    candidates: Members,
    programs: HashMap<Box<[u8]>, Box<[u32]>>,
    /// The decoders that read something from the last event: for coverage.
    pub(crate) touched: Vec<usize>,
    /// Whether the last event's fields came out of JSON, and not word for word out of the line.
    pub(crate) from_json: bool,
    /// How many JSON fields went over the limit.
    pub(crate) fields_dropped: u64,
    /// Lets every decoder be tried: to show that the filter changes nothing.
    pub(crate) without_prefilter: bool,
}

/// Decodes the text behind the header.
pub(crate) fn decode<'a>(
    decoders: &'a Decoders,
    program: Option<&[u8]>,
    log: &'a [u8],
    scratch: &mut Scratch,
    fields: &mut Fields<'a>,
) -> Option<Found> {
    scratch.touched.clear();
    scratch.from_json = false;
    let (root, end) = match program {
        Some(program) => root_by_program(decoders, program, log, scratch)?,
        None => root_by_shape(decoders, log, scratch)?,
    };
    let mut run = Run { decoders, root: decoders.get(root.decoder)?, end, log, scratch, fields };
    run.scratch.touched.push(root.decoder);
    let decoder = run.children(root);
    Some(Found { decoder, root: root.decoder })
}

/// Finds the first root for a program name, and where its prematch ended.
fn root_by_program<'d>(
    decoders: &'d Decoders,
    program: &[u8],
    log: &[u8],
    scratch: &mut Scratch,
) -> Option<(&'d Root, usize)> {
    if !scratch.programs.contains_key(program) {
        if scratch.programs.len() >= PROGRAMS_MAX {
            scratch.programs.clear();
        }
        let fits = |root: &Root| {
            let name = decoders.get(root.decoder).and_then(|d| d.program_name.as_ref());
            name.is_some_and(|pattern| pattern.is_match(program))
        };
        let all = (0u32..).zip(&decoders.with_program);
        let roots: Box<[u32]> =
            all.filter(|(_, root)| fits(root)).map(|(index, _)| index).collect();
        if program.len() > PROGRAM_BYTES_MAX {
            return first_root(&roots, decoders, log, &mut scratch.captures);
        }
        scratch.programs.insert(program.into(), roots);
    }
    let roots = scratch.programs.get(program)?;
    first_root(roots, decoders, log, &mut scratch.captures)
}

fn first_root<'d>(
    roots: &[u32],
    decoders: &'d Decoders,
    log: &[u8],
    captures: &mut Captures,
) -> Option<(&'d Root, usize)> {
    roots.iter().find_map(|index| {
        let root = decoders.with_program.get(*index as usize)?;
        match &decoders.get(root.decoder)?.prematch {
            Some(prematch) => prematch.find(log, captures).map(|end| (root, end)),
            None => Some((root, 0)),
        }
    })
}

fn root_by_shape<'d>(
    decoders: &'d Decoders,
    log: &[u8],
    scratch: &mut Scratch,
) -> Option<(&'d Root, usize)> {
    let Scratch { captures, candidates, without_prefilter, .. } = scratch;
    if *without_prefilter {
        candidates.copy_from(&Members::all(decoders.without_program.len()));
    } else {
        decoders.prefilter.scan(log, candidates);
        if let Some(begun) =
            log.first().and_then(|byte| decoders.by_first_byte.get(usize::from(*byte)))
        {
            candidates.keep(begun);
        }
    }
    let present = if *without_prefilter { u128::MAX } else { bytes_of(log) };
    candidates.iter().find_map(|index| {
        if decoders.required_bytes.get(index)? & !present != 0 {
            return None;
        }
        let root = decoders.without_program.get(index)?;
        let prematch = decoders.get(root.decoder)?.prematch.as_ref()?;
        prematch.find(log, captures).map(|end| (root, end))
    })
}

struct Run<'r, 'a> {
    decoders: &'a Decoders,
    root: &'a Decoder,
    /// Where the root's prematch ended.
    end: usize,
    log: &'a [u8],
    scratch: &'r mut Scratch,
    fields: &'r mut Fields<'a>,
}

impl<'a> Run<'_, 'a> {
    /// Lets the children of a root read the fields, or the root itself where it has none. Tells whose event it is.
    fn children(&mut self, root: &Root) -> usize {
        if root.chains.is_empty() {
            let start = if self.root.plugin_offset == Offset::AfterPrematch { self.end } else { 0 };
            self.plugin(self.root, self.root.json, start);
            self.regex(self.root, Some(self.end), None);
            return root.decoder;
        }
        for chain in &root.chains {
            let Some(head) = chain.members.first().and_then(|index| self.decoders.get(*index))
            else {
                continue;
            };
            let Some(prematch) = &head.prematch else {
                self.chain(chain, None);
                return root.decoder;
            };
            let start = if head.prematch_offset == Offset::AfterParent { self.end } else { 0 };
            let text = self.log.get(start..).unwrap_or_default();
            if let Some(end) = prematch.find(text, &mut self.scratch.captures) {
                self.chain(chain, Some(start + end));
                return chain.members.first().copied().unwrap_or(root.decoder);
            }
        }
        root.decoder
    }

    fn chain(&mut self, chain: &Chain, prematch_end: Option<usize>) {
        let mut regex_end = None;
        for (position, index) in chain.members.iter().enumerate() {
            let Some(decoder) = self.decoders.get(*index) else { continue };
            self.scratch.touched.push(*index);
            if position == 0 {
                self.head_plugin(decoder, prematch_end);
            }
            regex_end = self.regex(decoder, prematch_end, regex_end).or(regex_end);
        }
    }

    /// Runs the plugin of a child. Without a prematch the offset has no effect, and as the event stays the root's, the root's
    /// options count. Behind the first member of a chain, Wazuh's plugins decode nothing.
    fn head_plugin(&mut self, decoder: &Decoder, prematch_end: Option<usize>) {
        match prematch_end {
            Some(end) => {
                let start = match decoder.plugin_offset {
                    Offset::Start | Offset::AfterRegex => 0,
                    Offset::AfterParent => self.end,
                    Offset::AfterPrematch => end,
                };
                self.plugin(decoder, decoder.json, start);
            }
            None => self.plugin(decoder, self.root.json, 0),
        }
    }

    fn plugin(&mut self, decoder: &Decoder, options: JsonOptions, start: usize) {
        let Some(plugin) = decoder.plugin else { return };
        let text = self.log.get(start..).unwrap_or_default();
        match plugin {
            BuiltIn::Json => {
                let outcome = json::decode(text, options, self.fields);
                self.scratch.from_json = true;
                if let JsonOutcome::Decoded { dropped } = outcome {
                    self.scratch.fields_dropped += dropped as u64;
                }
            }
            BuiltIn::Format(format) => format.decode(text, self.fields),
        }
    }

    /// Runs the regex of one decoder; returns where it ended.
    fn regex(
        &mut self,
        decoder: &'a Decoder,
        prematch_end: Option<usize>,
        regex_end: Option<usize>,
    ) -> Option<usize> {
        let regex = decoder.regex.as_ref()?;
        let start = match decoder.regex_offset {
            Offset::Start => 0,
            Offset::AfterParent => self.end,
            Offset::AfterPrematch => prematch_end.unwrap_or(self.end),
            Offset::AfterRegex => regex_end.unwrap_or(0),
        };
        let text = self.log.get(start..)?;
        let end = regex.find(text, &mut self.scratch.captures)?;
        for (target, group) in decoder.order.iter().zip(&self.scratch.captures.groups) {
            let Some(captured) = group.and_then(|(from, to)| text.get(from..to)) else { continue };
            match target {
                Target::Static(field) => self.fields.set(*field, captured),
                Target::Dynamic(name) => self.fields.push(&**name, captured),
            }
        }
        Some(start + end)
    }
}
