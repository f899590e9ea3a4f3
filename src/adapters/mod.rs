//! The real thing behind each port.

pub mod journal;
