//! The stand-in cloud: storage, API and edges of a media CDN on loopback.
//!
//! [`world`] holds all facts and rules and is pure: time and chance are passed in, nothing waits, nothing is sent.
//! [`server`] puts real HTTP around it: the program reaches it like any other cloud. Its wire shapes are its own, so
//! that a typing error in the client is not repeated here. [`in_process`] puts it behind the ports of the console
//! instead, for simulations and measurements in simulated time. Knows `domain` and `ports`, nothing else of this
//! program.

pub mod chance;
pub mod clock;
pub mod content;
pub mod in_process;
pub mod options;
pub mod pops;
pub mod remote;
pub mod scenario;
pub mod server;
pub mod span;
pub mod world;

pub use options::{Options, Ready, ReadyEdge, StartError};
pub use scenario::{Scenario, ScenarioError};
pub use server::{Running, start};
pub use span::{Propagation, Spread};
