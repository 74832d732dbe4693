//! A session: events in, outcomes out, with what lies between them remembered.
//!
//! This is what Wazuh calls a logtest session, and what its daemon does all day. Time is a value of each event. A session is for
//! one thread; several may share one [`Ruleset`].

use std::sync::Arc;

use jiff::tz::TimeZone;

use crate::category::Category;
use crate::decoder::run::{Scratch, decode};
use crate::event::{Event, Record};
use crate::fields::{Fields, StaticField};
use crate::outcome::{Fired, Outcome};
use crate::predecode::{parse_location, predecode};
use crate::rule::condition::Surroundings;
use crate::rule::frequency::{History, Support};
use crate::rule::run::{Final, Walk};
use crate::rule::shortlist::{Filters, Search, Shortlist};
use crate::ruleset::Ruleset;
use crate::state::State;

/// What one datagram of Wazuh's queue can carry, with the location before the line. Of a longer line the rest is lost.
pub const DATAGRAM_BYTES_MAX: usize = 65_535;

/// A datagram has a letter for the queue and two colons besides.
const DATAGRAM_SIGNS: usize = 3;

/// How a session behaves.
#[derive(Debug, Clone)]
pub struct SessionOptions {
    /// Behaves like wazuh-logtest where it differs from the daemon: counters run on, muted rules are shown.
    pub logtest: bool,
    /// Notes every rule that was looked at, for [`Outcome::tried`].
    pub trace: bool,
    /// The name of the manager: the host of events that name none.
    pub manager: String,
    /// The zone in which `time` and `weekday` are meant.
    pub zone: TimeZone,
    /// Tries every decoder and rule, without the filters. Slow, and with the same results: for tests.
    pub without_prefilter: bool,
}

impl Default for SessionOptions {
    fn default() -> Self {
        SessionOptions {
            logtest: false,
            trace: false,
            manager: "quell".to_owned(),
            zone: TimeZone::UTC,
            without_prefilter: false,
        }
    }
}

/// Runs events through a ruleset, one after the other.
#[derive(Debug)]
pub struct Session {
    ruleset: Arc<Ruleset>,
    options: SessionOptions,
    reader: LineReader,
    memory: Memory,
}

/// Takes headers off lines, reads their fields and finds the rules whose conditions they meet. That needs no memory of other lines, so several
/// readers may work ahead of one [`Session`], each on its own thread.
#[derive(Debug, Default)]
pub struct LineReader {
    scratch: Scratch,
    filters: Filters,
}

/// What a [`LineReader`] found in a line, for [`Session::decide`].
#[derive(Debug)]
pub struct ReadLine<'a> {
    event: Event<'a>,
    /// Nothing where the session must add to the event first.
    shortlist: Option<Shortlist>,
}

/// What lies between the events of a session.
#[derive(Debug, Default)]
struct Memory {
    history: History,
    state: State,
    zone_offset: ZoneOffset,
}

impl LineReader {
    /// Reads a line, always with the same ruleset: what URLs rule out is remembered by the places of its rules. `manager` is the host of
    /// a line that names none.
    pub fn read<'a>(
        &mut self,
        ruleset: &'a Ruleset,
        location: &'a [u8],
        log: &'a [u8],
        manager: &'a str,
    ) -> ReadLine<'a> {
        let event = read(ruleset, location, log, manager.as_bytes(), &mut self.scratch);
        let shortlist = (!event.accumulates).then(|| self.shortlist(ruleset, &event, false));
        ReadLine { event, shortlist }
    }

    /// How many fields of JSON events found no room.
    pub fn fields_dropped(&self) -> u64 {
        self.scratch.fields_dropped
    }

    fn shortlist(&mut self, ruleset: &Ruleset, event: &Event<'_>, keeps_failed: bool) -> Shortlist {
        let around = Surroundings { lists: &ruleset.lists };
        let filters = &mut self.filters;
        Search { rules: &ruleset.rules, event, around, filters, keeps_failed }.run()
    }
}

impl Session {
    /// Starts with an empty memory.
    pub fn new(ruleset: Arc<Ruleset>, options: SessionOptions) -> Self {
        let mut reader = LineReader::default();
        reader.scratch.without_prefilter = options.without_prefilter;
        reader.filters.off = options.without_prefilter;
        Session { ruleset, reader, memory: Memory::default(), options }
    }

    /// Forgets all events, so that the next one is decided as by a new session. What makes it quick stays.
    pub fn forget(&mut self) {
        self.memory = Memory::default();
    }

    /// How many fields of JSON events found no room.
    pub fn fields_dropped(&self) -> u64 {
        self.reader.fields_dropped()
    }

    /// Takes one event.
    pub fn process<'s>(&'s mut self, record: &Record<'s>) -> Outcome<'s> {
        let Session { ruleset, options, reader, memory } = self;
        let manager = options.manager.as_bytes();
        let event = read(ruleset, record.location, record.log, manager, &mut reader.scratch);
        let line = ReadLine { event, shortlist: None };
        let mut outcome = memory.decide(ruleset, options, line, record.time, reader);
        outcome.touched = &reader.scratch.touched;
        outcome
    }

    /// Takes one event that a [`LineReader`] has read with the same ruleset.
    pub fn decide<'a>(
        &mut self,
        ruleset: &'a Ruleset,
        line: ReadLine<'a>,
        time: i64,
    ) -> Outcome<'a> {
        let Session { options, reader, memory, .. } = self;
        memory.decide(ruleset, options, line, time, reader)
    }
}

impl Memory {
    fn decide<'a>(
        &mut self,
        ruleset: &'a Ruleset,
        options: &SessionOptions,
        line: ReadLine<'a>,
        time: i64,
        reader: &mut LineReader,
    ) -> Outcome<'a> {
        let ReadLine { mut event, shortlist } = line;
        event.time = time;
        event.local_time = time.saturating_add(self.zone_offset.at(time, &options.zone));
        let Memory { history, state, .. } = self;
        if options.logtest {
            event.accept_windows_event(ruleset.decoders.windows);
        } else {
            state.notice(event.local_time);
        }
        if event.accumulates {
            state.accumulate(&ruleset.decoders, &mut event);
        }
        // With no category at all, the daemon stops at the first event. Wazuh-logtest lets packet filters' events through.
        let dropped = !options.logtest && lacks_firewall_fields(&event);
        let mut outcome = Outcome {
            ruleset,
            event,
            fired: None,
            not_processed: dropped || ruleset.rules.roots.is_empty(),
            tried: Vec::new(),
            touched: &[],
        };
        if outcome.not_processed {
            return outcome;
        }
        // A reader knows neither what a trace shows nor the ways of wazuh-logtest.
        let known = shortlist.filter(|_| !options.trace && !options.logtest);
        let shortlist =
            known.unwrap_or_else(|| reader.shortlist(ruleset, &outcome.event, options.trace));
        let mut walk = Walk {
            rules: &ruleset.rules,
            event: &outcome.event,
            around: Surroundings { lists: &ruleset.lists },
            shortlist: &shortlist,
            history,
            state,
            support: Support::default(),
            trace: options.trace.then(Vec::new),
        };
        let found = walk.walk();
        let Walk { support, trace, .. } = walk;
        outcome.tried = trace.unwrap_or_default();
        outcome.fired = found.and_then(|found| {
            fire(found, ruleset, &outcome.event, support, history, state, options.logtest)
        });
        outcome
    }
}

/// Takes the header off and lets the decoders read the fields.
fn read<'a>(
    ruleset: &'a Ruleset,
    location: &'a [u8],
    log: &'a [u8],
    manager: &'a [u8],
    scratch: &mut Scratch,
) -> Event<'a> {
    let room = DATAGRAM_BYTES_MAX.saturating_sub(location.len() + DATAGRAM_SIGNS);
    let line = log.get(..room).unwrap_or(log);
    // Behind a NUL the original sees nothing.
    let line = memchr::memchr(0, line).and_then(|end| line.get(..end)).unwrap_or(line);
    let header = predecode(line);
    let log = header.log.of(line);
    let program_name = header.program_name.map(|span| span.of(line));
    let mut fields = Fields::new();
    let found = decode(&ruleset.decoders, program_name, log, scratch, &mut fields);
    let decoder = found.and_then(|found| ruleset.decoders.get(found.decoder));
    Event {
        time: 0,
        local_time: 0,
        source: parse_location(location),
        full_log: line,
        log,
        timestamp: header.timestamp.map(|span| span.of(line)),
        header_hostname: header.hostname.map(|span| span.of(line)),
        shown_hostname: header.shown_hostname.map(|span| span.of(line)),
        program_name,
        manager,
        fields,
        decoder: found,
        decoded_as: decoder.map(|decoder| decoder.reported),
        also_decoded_as: None,
        category: decoder.map_or(Category::Syslog, |decoder| decoder.category),
        fts: decoder.and_then(|decoder| decoder.fts.as_deref()),
        accumulates: decoder.is_some_and(|decoder| decoder.accumulate),
        from_json: scratch.from_json,
        url_form: Default::default(),
    }
}

/// Wazuh drops a packet filter's event that lacks one of six fields before any rule sees it.
fn lacks_firewall_fields(event: &Event<'_>) -> bool {
    const WANTED: [StaticField; 6] = [
        StaticField::Action,
        StaticField::SrcIp,
        StaticField::DstIp,
        StaticField::SrcPort,
        StaticField::DstPort,
        StaticField::Protocol,
    ];
    event.category == Category::Firewall
        && WANTED.iter().any(|field| event.fields.get(*field).is_none())
}

/// Decides what becomes of the final rule: counts it, mutes it, remembers the event.
fn fire(
    found: Final,
    ruleset: &Ruleset,
    event: &Event<'_>,
    mut support: Support,
    history: &mut History,
    state: &mut State,
    logtest: bool,
) -> Option<Fired> {
    let rule = ruleset.rules.get(found.rule)?;
    let fired_times = state.count(found.rule);
    let muted = rule.ignore_seconds > 0
        && state.is_muted(found.rule, event.time, rule.ignore_seconds, logtest);
    let shown = match (muted, logtest) {
        (true, false) => found.parent?,
        _ => found.rule,
    };
    let rule = ruleset.rules.get(shown)?;
    if rule.level > 0 {
        history.remember(shown, &ruleset.rules, event, &mut support);
    }
    let options = rule.options;
    let loud = rule.level >= ruleset.options.log_alert_level;
    let alert = match logtest {
        true => loud && !muted,
        false => (loud || (options.log_alert && rule.level > 0)) && !options.no_log,
    };
    // A muted rule hands over to its parent, which has no support of its own; neither has what nobody is told.
    if !logtest && (muted || rule.level == 0) {
        support = Support::default();
    }
    Some(Fired { rule: shown, fired_times, alert, support })
}

/// The zone's offset, looked up once for each quarter of an hour: no zone changes in between.
#[derive(Debug, Default)]
struct ZoneOffset {
    known: Option<(i64, i64)>,
}

impl ZoneOffset {
    fn at(&mut self, time: i64, zone: &TimeZone) -> i64 {
        const QUARTER_SECONDS: i64 = 900;
        let quarter = time.div_euclid(QUARTER_SECONDS);
        if let Some((known, offset)) = self.known
            && known == quarter
        {
            return offset;
        }
        let moment = jiff::Timestamp::from_second(time);
        let offset = moment.map_or(0, |moment| i64::from(zone.to_offset(moment).seconds()));
        self.known = Some((quarter, offset));
        offset
    }
}
