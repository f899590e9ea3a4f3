//! The local cloud without sockets: the same [`World`](super::world::World), behind the ports of the console.
//!
//! [`InProcess`] is a cloud, a prober and a finder of places at once, on the time of tokio: where that is paused, hours
//! of propagation pass in milliseconds, and the same seed has the same outcome. What an edge answers is written by the
//! code of the real server and read by whatever reads the real one's headers ([`ReadHead`]); only the wire between
//! them is played: how long answers take, and which of them are lost ([`Travel`]). What truly happened is in the
//! world's books, which [`InProcess::with`] opens, and what
//! was looked at in a [`Diary`].
//!
//! Remote files (`fetch`) are not read here, because nothing here reaches a network.

mod api;
mod clock;
mod cloud;
mod diary;
mod edges;

#[cfg(test)]
mod tests;

pub use clock::SimulatedClock;
pub use cloud::{InProcess, ReadHead, Travel};
pub use diary::Diary;
