//! The rules between settings: values that are fine alone and wrong together.
//!
//! Each rule looks only at values that could be read, so that one mistake is told once. A rule is
//! an error where the daemon would do harm or nothing at all, and a warning where somebody may
//! well mean it. It leaves rules about a single value to `read`.

use super::duration::duration_text;
use super::problem::{Report, Severity, shown};
use super::settings::{Origin, Settings, View};
use super::table::Section;
use std::collections::BTreeMap;
use std::path::Path;

/// The longest path of a Unix socket, in bytes, without the zero byte that ends it on Linux.
const SOCKET_PATH_BYTES_MAX: usize = 107;

/// Applies every rule.
pub(crate) fn check(settings: &Settings, report: &mut Report<'_>) {
    let mut checker = Checker { settings, report };
    checker.names_are_unique();
    checker.deadlines_are_in_order();
    checker.times_fit_together();
    checker.lists_do_not_contradict();
    checker.listeners_are_guarded();
    checker.output_is_not_read_back();
    checker.files_are_read_once();
    checker.rulesets_are_absolute();
    checker.sockets_are_short();
    checker.answers_fit_the_context();
}

struct Checker<'a, 'b, 'c> {
    settings: &'a Settings,
    report: &'b mut Report<'c>,
}

impl<'a> Checker<'a, '_, '_> {
    fn section(&self, path: &'static str) -> View<'a> {
        self.settings.view(path, 0)
    }

    fn error(&mut self, view: View<'_>, key: &'static str, what: String, hint: &str) {
        self.tell(Severity::Error, view, key, what, hint);
    }

    fn warning(&mut self, view: View<'_>, key: &'static str, what: String, hint: &str) {
        self.tell(Severity::Warning, view, key, what, hint);
    }

    /// Reports a problem at the place of a setting.
    fn tell(
        &mut self,
        severity: Severity,
        view: View<'_>,
        key: &'static str,
        what: String,
        hint: &str,
    ) {
        let origin = view.entry(key).map_or(&Origin::Standard, |entry| &entry.origin);
        self.report.at_origin(severity, origin, &path_of(view, key), what, hint);
    }

    fn names_are_unique(&mut self) {
        for (section, key) in [("model", "name"), ("webhook", "name"), ("asset", "agent")] {
            let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
            for view in self.settings.views(section) {
                let Some(name) = view.text(key) else { continue };
                match seen.get(name) {
                    None => {
                        seen.insert(name, view.instance);
                    }
                    Some(first) => {
                        let what = format!(
                            "`{}` is `\"{}\"`, which is taken by `{section}[{first}]`",
                            path_of(view, key),
                            shown(name)
                        );
                        self.error(view, key, what, "give each its own, or take one out");
                    }
                }
            }
        }
    }

    fn deadlines_are_in_order(&mut self) {
        let view = self.section("schedule");
        let pairs = [
            ("deadline_critical", "deadline_high"),
            ("deadline_high", "deadline_medium"),
            ("deadline_medium", "deadline_low"),
        ];
        for (sooner, later) in pairs {
            self.not_longer((view, sooner), (view, later), Severity::Error);
        }
    }

    fn times_fit_together(&mut self) {
        let view = self.section("general");
        self.not_longer((view, "quiet_after"), (view, "window_max"), Severity::Warning);
        self.not_longer((view, "window_max"), (view, "retention"), Severity::Error);
    }

    /// Requires one duration not to be longer than another.
    fn not_longer(
        &mut self,
        (view, shorter): (View<'_>, &'static str),
        (other, longer): (View<'_>, &'static str),
        severity: Severity,
    ) {
        let (Some(short), Some(long)) = (view.duration(shorter), other.duration(longer)) else {
            return;
        };
        if short <= long {
            return;
        }
        let what = format!(
            "`{}` is {}, longer than `{}`, which is {}",
            path_of(view, shorter),
            duration_text(short),
            path_of(other, longer),
            duration_text(long)
        );
        // The one that somebody wrote is the one to point at.
        let is_written = view.entry(shorter).is_some_and(|entry| entry.origin != Origin::Standard);
        let (view, key) = if is_written { (view, shorter) } else { (other, longer) };
        let hint = "shorten the first or lengthen the second";
        self.tell(severity, view, key, what, hint);
    }

    fn lists_do_not_contradict(&mut self) {
        let view = self.section("policy");
        let hint = "take it out of one of the two lists";
        for (include, exclude) in [
            ("include_groups", "exclude_groups"),
            ("include_agents", "exclude_agents"),
            ("include_locations", "exclude_locations"),
        ] {
            let excluded = view.texts(exclude).unwrap_or_default();
            for text in view.texts(include).unwrap_or_default() {
                if excluded.contains(text) {
                    let what = format!(
                        "`policy.{include}` and `policy.{exclude}` both name `\"{}\"`",
                        shown(text)
                    );
                    self.error(view, exclude, what, hint);
                }
            }
        }
        let excluded = view.rules("exclude_rules").unwrap_or_default();
        for range in view.rules("include_rules").unwrap_or_default() {
            let cover = excluded
                .iter()
                .find(|other| other.contains(range.first) && other.contains(range.last));
            if let Some(cover) = cover {
                let what = format!(
                    "`policy.include_rules` names {range}, which `policy.exclude_rules` takes out \
                     again with {cover}"
                );
                self.error(view, "exclude_rules", what, hint);
            }
        }
    }

    fn listeners_are_guarded(&mut self) {
        let intake = self.section("intake.http");
        let pages = self.section("http");
        let intake_address =
            intake.address("listen").filter(|_| intake.switch("enabled") == Some(true));
        let pages_address = pages.optional_address("listen").flatten();
        if let (Some(address), Some(token)) = (intake_address, intake.secret("token_file")) {
            let hint = "name a file in `intake.http.token_file` or set QUELL_INTAKE__HTTP__TOKEN";
            match &token.secret {
                None if !address.ip().is_loopback() => {
                    let what = format!(
                        "`intake.http.listen` is {address}, which others can reach, and no token \
                         is asked for"
                    );
                    self.error(intake, "listen", what, hint);
                }
                None => {
                    let what = "nothing is taken over HTTP: `intake.http` has no token, and an \
                                open door would let every user of this machine write evidence";
                    self.warning(intake, "enabled", what.to_owned(), hint);
                }
                Some(secret) if secret.is_guessable() => {
                    let what = "the token of `intake.http` is shorter than 16 letters";
                    let hint = "make a longer one, for example with `openssl rand -hex 32`";
                    self.warning(intake, "token_file", what.to_owned(), hint);
                }
                Some(_) => {}
            }
        }
        if let Some(address) = pages_address.filter(|address| !address.ip().is_loopback()) {
            let what = format!(
                "`http.listen` is {address}, which others can reach, and its pages ask for no token"
            );
            let hint = "listen on 127.0.0.1, or let a firewall admit only your monitoring";
            self.warning(pages, "listen", what, hint);
        }
        // Port 0 asks the system for a free port, so two of them do not collide.
        if let Some(address) = intake_address
            && pages_address == Some(address)
            && address.port() != 0
        {
            let what = format!("`http.listen` and `intake.http.listen` are both {address}");
            self.error(pages, "listen", what, "give one of them another port");
        }
    }

    /// The files that the daemon follows, with the settings that name them.
    fn followed(&self) -> Vec<(View<'a>, &'a Path)> {
        let tail = self.section("intake.tail");
        let tail = (tail.switch("enabled") == Some(true)).then_some(tail);
        let views = tail.into_iter().chain(self.settings.views("source"));
        views.filter_map(|view| Some((view, view.path("path")?))).collect()
    }

    fn output_is_not_read_back(&mut self) {
        let wazuh = self.section("publish.wazuh");
        let file = self.section("publish.file");
        for (view, key, is_used) in [
            (wazuh, "file", wazuh.choice("mode") == Some("file")),
            (file, "path", file.switch("enabled") == Some(true)),
        ] {
            if !is_used {
                continue;
            }
            for (reader, followed) in self.followed() {
                if view.path(key) == Some(followed) {
                    let what = format!(
                        "`{}` is the file that `{}` reads, so Quell would read its own verdicts",
                        path_of(view, key),
                        path_of(reader, "path")
                    );
                    self.error(view, key, what, "write to a file of its own");
                }
            }
        }
    }

    /// How far a file was read is kept by its path, so two readers would move each other's place.
    fn files_are_read_once(&mut self) {
        let mut seen: BTreeMap<&Path, View<'_>> = BTreeMap::new();
        for (view, path) in self.followed() {
            let Some(first) = seen.get(path) else {
                seen.insert(path, view);
                continue;
            };
            let what = format!(
                "`{}` is the file that `{}` reads already",
                path_of(view, "path"),
                path_of(*first, "path")
            );
            self.error(view, "path", what, "take one of them out");
        }
    }

    fn rulesets_are_absolute(&mut self) {
        for view in self.settings.views("source") {
            for path in view.texts("ruleset").unwrap_or_default() {
                if !Path::new(path).is_absolute() {
                    let what = format!(
                        "`{}` has `{}`, which is no absolute path",
                        path_of(view, "ruleset"),
                        shown(path)
                    );
                    self.error(view, "ruleset", what, "begin it with /");
                }
            }
        }
    }

    fn sockets_are_short(&mut self) {
        for view in [self.section("intake.hook"), self.section("publish.wazuh")] {
            let Some(path) = view.path("socket") else { continue };
            let length = path.as_os_str().len();
            if length > SOCKET_PATH_BYTES_MAX {
                let what = format!(
                    "`{}` is {length} bytes long, and a socket's path may have \
                     {SOCKET_PATH_BYTES_MAX}",
                    path_of(view, "socket")
                );
                self.error(view, "socket", what, "choose a shorter path");
            }
        }
    }

    fn answers_fit_the_context(&mut self) {
        for view in self.settings.views("model") {
            let (Some(answer), Some(context)) =
                (view.integer("max_tokens"), view.integer("context_tokens"))
            else {
                continue;
            };
            // Half of the context for the answer leaves too little for instructions and evidence.
            if answer > context / 2 {
                let what = format!(
                    "`{}` is {answer}, more than half of `{}`, which is {context}",
                    path_of(view, "max_tokens"),
                    path_of(view, "context_tokens")
                );
                self.error(view, "max_tokens", what, "ask for a shorter answer");
            }
        }
    }
}

fn path_of(view: View<'_>, key: &'static str) -> String {
    match Section::find(view.section) {
        Some(section) => section.key_path(view.instance, key),
        None => key.to_owned(),
    }
}
