//! Places and prober against a stand-in that is as strict as the real network, mostly on paused time.

mod http;
mod mock;
mod probes;
mod results;
mod troubles;

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use self::mock::{Memory, Shared, World, lock};
use super::*;
use crate::domain::place::Vantage;
use crate::domain::sighting::{AcceptVariant, Answer, ProbeFailure, ProbeShape};
use crate::domain::time::{Moment, Timestamp};
use crate::ports::prober::{Probe, Prober as _};

/// Both clocks follow tokio's, which may be paused.
#[derive(Clone, Copy)]
struct PausedClock(Instant);

impl Clock for PausedClock {
    fn wall(&self) -> Timestamp {
        Timestamp::from_second(1_795_262_400).unwrap() + self.moment().since_origin()
    }

    fn moment(&self) -> Moment {
        Moment::from_origin(self.0.elapsed())
    }
}

fn options() -> GlobalpingOptions {
    let locations = vec!["frankfurt".to_owned(), "tokyo".to_owned()];
    GlobalpingOptions { locations, ..GlobalpingOptions::default() }
}

/// The network over memory.
fn network(world: World, options: GlobalpingOptions) -> (Globalping, Shared) {
    let (world, origin) = (world.shared(), Instant::now());
    let memory = Memory { world: Arc::clone(&world), origin };
    (Globalping::over(Arc::new(memory), options, Arc::new(PausedClock(origin))), world)
}

fn usual() -> (GlobalpingProber, Shared) {
    let (network, world) = network(World::new(), options());
    (network.prober(), world)
}

fn probe_from(location: &str) -> Probe {
    Probe {
        vantage: Vantage::Globalping(location.to_owned()),
        address: None,
        tls: true,
        host: "res.cloudinary.com".to_owned(),
        path: "/demo/image/upload/v7/shoe.jpg".to_owned(),
        variant: AcceptVariant::None,
        shape: ProbeShape::OneByte,
        timeout: Duration::from_secs(15),
    }
}

async fn look(prober: &GlobalpingProber, location: &str) -> Result<Answer, ProbeFailure> {
    prober.probe(&probe_from(location)).await.result
}

fn tag(answer: &Result<Answer, ProbeFailure>) -> Option<&str> {
    answer.as_ref().ok()?.etag.as_ref().map(|etag| etag.tag.as_str())
}

fn calls(world: &Shared, line: &str) -> usize {
    lock(world).log.iter().filter(|logged| logged.line.starts_with(line)).count()
}

fn words(result: Result<Answer, ProbeFailure>) -> String {
    result.unwrap_err().to_string()
}
