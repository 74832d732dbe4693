//! Behaviour of the sources and sinks on real files and sockets, in directories of their own.

#[cfg(test)]
mod fixture;
#[cfg(test)]
mod http;
#[cfg(test)]
mod journal;
#[cfg(test)]
mod output;
#[cfg(test)]
mod socket;
#[cfg(test)]
mod spool;
#[cfg(test)]
mod tail;
#[cfg(test)]
mod tail_restart;
