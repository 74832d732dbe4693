//! Takes the sender off an event's location.
//!
//! An event of an agent arrives with a location like `[001] (web01) 10.0.0.5->/var/log/auth.log`; one of the manager
//! names only the source. Anything that does not have the first form completely counts as the second, so a file
//! may be called `[x]`. The escapes of the queue protocol (`|:`, `||`) belong to whoever reads the queue.

/// Where an event comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Source<'l> {
    /// The agent's id; nothing for the manager.
    pub agent_id: Option<&'l [u8]>,
    /// The agent's name; nothing for the manager.
    pub agent_name: Option<&'l [u8]>,
    /// The agent's address; nothing for the manager and for an agent registered with `any`.
    pub agent_ip: Option<&'l [u8]>,
    /// The file, command or integration.
    pub location: &'l [u8],
}

/// Splits a location into the agent and the source.
pub fn parse_location(location: &[u8]) -> Source<'_> {
    let of_manager = Source { agent_id: None, agent_name: None, agent_ip: None, location };
    parse_agent(location).unwrap_or(of_manager)
}

fn parse_agent(location: &[u8]) -> Option<Source<'_>> {
    let (id, rest) = split_at_text(location.strip_prefix(b"[")?, b"] (")?;
    let (name, rest) = split_at_text(rest, b") ")?;
    let (ip, source) = split_at_text(rest, b"->")?;
    Some(Source {
        agent_id: Some(id),
        agent_name: Some(name),
        agent_ip: (ip != b"any").then_some(ip),
        location: source,
    })
}

fn split_at_text<'t>(text: &'t [u8], separator: &[u8]) -> Option<(&'t [u8], &'t [u8])> {
    let at = memchr::memmem::find(text, separator)?;
    Some((text.get(..at)?, text.get(at.saturating_add(separator.len())..)?))
}
