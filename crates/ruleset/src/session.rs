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
use crate::rule::run::{Filters, Final, Walk};
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
    scratch: Scratch,
    filters: Filters,
    history: History,
    state: State,
    zone_offset: ZoneOffset,
}

impl Session {
    /// Starts with an empty memory.
    pub fn new(ruleset: Arc<Ruleset>, options: SessionOptions) -> Self {
        let mut session = Session {
            ruleset,
            scratch: Scratch::default(),
            filters: Filters::default(),
            history: History::default(),
            state: State::default(),
            zone_offset: ZoneOffset::default(),
            options,
        };
        session.scratch.without_prefilter = session.options.without_prefilter;
        session.filters.off = session.options.without_prefilter;
        session
    }

    /// The ruleset that it runs.
    pub fn ruleset(&self) -> &Arc<Ruleset> {
        &self.ruleset
    }

    /// How many fields of JSON events found no room.
    pub fn fields_dropped(&self) -> u64 {
        self.scratch.fields_dropped
    }

    /// Takes one event.
    pub fn process<'s>(&'s mut self, record: &Record<'s>) -> Outcome<'s> {
        let local_time =
            record.time.saturating_add(self.zone_offset.at(record.time, &self.options.zone));
        let Session { ruleset, options, scratch, filters, history, state, .. } = self;
        let ruleset: &'s Ruleset = ruleset;
        let mut event = read(ruleset, record, local_time, options.manager.as_bytes(), scratch);
        if options.logtest {
            event.accept_windows_event(ruleset.decoders.windows);
        } else {
            state.notice(local_time);
        }
        if event.accumulates {
            state.accumulate(&ruleset.decoders, &mut event);
        }
        let mut outcome = Outcome {
            ruleset,
            event,
            fired: None,
            not_processed: false,
            tried: Vec::new(),
            touched: &scratch.touched,
        };
        // With no category at all, the daemon stops at the first event. Wazuh-logtest lets packet filters' events through.
        let dropped = !options.logtest && lacks_firewall_fields(&outcome.event);
        if dropped || ruleset.rules.roots.is_empty() {
            outcome.not_processed = true;
            return outcome;
        }
        let mut walk = Walk {
            rules: &ruleset.rules,
            event: &outcome.event,
            around: Surroundings { lists: &ruleset.lists },
            history,
            state,
            filters,
            support: Support::default(),
            trace: options.trace.then(Vec::new),
        };
        let found = walk.walk();
        let Walk { support, trace, .. } = walk;
        outcome.tried = trace.unwrap_or_default();
        let fired = found.and_then(|found| {
            fire(found, ruleset, &outcome.event, support, history, state, options.logtest)
        });
        outcome.fired = fired;
        outcome
    }
}

/// Takes the header off and lets the decoders read the fields.
fn read<'a>(
    ruleset: &'a Ruleset,
    record: &Record<'a>,
    local_time: i64,
    manager: &'a [u8],
    scratch: &mut Scratch,
) -> Event<'a> {
    let room = DATAGRAM_BYTES_MAX.saturating_sub(record.location.len() + DATAGRAM_SIGNS);
    let line = record.log.get(..room).unwrap_or(record.log);
    // Behind a NUL the original sees nothing.
    let line = memchr::memchr(0, line).and_then(|end| line.get(..end)).unwrap_or(line);
    let header = predecode(line);
    let log = header.log.of(line);
    let program_name = header.program_name.map(|span| span.of(line));
    let mut fields = Fields::new();
    let found = decode(&ruleset.decoders, program_name, log, scratch, &mut fields);
    let decoder = found.and_then(|found| ruleset.decoders.get(found.decoder));
    Event {
        time: record.time,
        local_time,
        source: parse_location(record.location),
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
        history.remember(shown, &ruleset.rules, event, &support);
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
