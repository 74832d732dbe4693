//! One event on its way through the engine: what came in, and what was read out of it.

use std::cell::OnceCell;

use crate::category::Category;
use crate::decoder::run::Found;
use crate::decoder::{FtsPart, NameId};
use crate::fields::{Fields, StaticField};
use crate::pattern::Form;
use crate::predecode::Source;

/// What comes in: one record of a log.
#[derive(Debug, Clone, Copy)]
pub struct Record<'a> {
    /// When it was received, in seconds since 1970. Windows of time are measured with it.
    pub time: i64,
    /// Where it comes from: a path or a name, with `[id] (name) address->` before it when an agent sent it.
    pub location: &'a [u8],
    /// The line.
    pub log: &'a [u8],
}

/// An event with its header taken off and its fields read.
#[derive(Debug)]
pub(crate) struct Event<'a> {
    pub(crate) time: i64,
    /// Local wall-clock time: seconds since 1970 plus the zone's offset.
    pub(crate) local_time: i64,
    /// What the record said before the text: its origin.
    pub(crate) source: Source<'a>,
    /// The whole line.
    pub(crate) full_log: &'a [u8],
    /// The line behind its header.
    pub(crate) log: &'a [u8],
    pub(crate) timestamp: Option<&'a [u8]>,
    /// The host that the header names. An event of an agent has the agent's name instead.
    pub(crate) header_hostname: Option<&'a [u8]>,
    /// What `predecoder.hostname` shows.
    pub(crate) shown_hostname: Option<&'a [u8]>,
    pub(crate) program_name: Option<&'a [u8]>,
    pub(crate) manager: &'a [u8],
    pub(crate) fields: Fields<'a>,
    pub(crate) decoder: Option<Found>,
    /// The decoder's name, as rules see it.
    pub(crate) decoded_as: Option<NameId>,
    /// A second name that rules may know the decoder by.
    pub(crate) also_decoded_as: Option<NameId>,
    pub(crate) category: Category,
    /// The combination that the decoder wants remembered.
    pub(crate) fts: Option<&'a [FtsPart]>,
    /// Whether the decoder shares fields between events.
    pub(crate) accumulates: bool,
    /// Whether fields came out of JSON, and not word for word out of the line.
    pub(crate) from_json: bool,
    /// What the URL encodes, once somebody asked.
    pub(crate) url_form: OnceCell<Form>,
}

impl<'a> Event<'a> {
    /// The URL, with what it encodes. Many rules ask for both.
    pub(crate) fn url(&self) -> Option<(&[u8], Form)> {
        let url = self.fields.get(StaticField::Url)?;
        Some((url, *self.url_form.get_or_init(|| Form::of(url))))
    }

    /// Whether a field may have letters that the line doesn't show: written as `\u....`, or remembered from another event.
    pub(crate) fn hides_letters(&self) -> bool {
        self.accumulates || (self.from_json && memchr::memmem::find(self.log, b"\\u").is_some())
    }

    /// The host's name as rules see it.
    pub(crate) fn hostname(&self) -> Option<&'a [u8]> {
        match self.source.agent_name {
            Some(name) => Some(name),
            None => Some(self.header_hostname.unwrap_or(self.manager)),
        }
    }

    /// Takes a JSON line with a Windows event in it for one from the event channel, as Wazuh's own tests do: there is no other way
    /// to try Windows rules with lines of text.
    pub(crate) fn accept_windows_event(&mut self, windows: Option<NameId>) {
        if self.fields.dynamic(b"win.system.providerName").is_some() {
            self.also_decoded_as = windows;
            self.category = Category::Ossec;
        }
    }
}
