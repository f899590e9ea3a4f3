//! Looks at caches without the limits that the tracker keeps to: what a probe costs by itself.
//!
//! `speed probes ADDRESS[,ADDRESS…] COUNT`, each address a server that answers anything; `benches/throughput probes`
//! starts one and compares.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use allclear::adapters::http_prober::HttpProber;
use allclear::adapters::system_clock::SystemClock;
use allclear::domain::place::Vantage;
use allclear::domain::sighting::{AcceptVariant, ProbeShape};
use allclear::ports::prober::{Probe, Prober};

/// Probes in flight.
const AT_ONCE: u64 = 64;
/// Memory is read for the first time after so many.
const FEW: u64 = 1_000;

/// Resident MiB now, and at the most so far.
fn resident() -> (f64, f64) {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let of = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name))?;
        line.split_whitespace().next()?.parse::<f64>().ok()
    };
    (of("VmRSS:").unwrap_or_default() / 1024.0, of("VmHWM:").unwrap_or_default() / 1024.0)
}

fn probe(address: SocketAddr, number: u64) -> Probe {
    Probe {
        vantage: Vantage::Here,
        address: Some(address),
        tls: false,
        host: "res.cloudinary.com".to_owned(),
        path: format!("/demo/image/upload/v1/press/2026/hero-{}.jpg", number % 10_000),
        variant: AcceptVariant::None,
        shape: ProbeShape::OneByte,
        timeout: Duration::from_secs(15),
    }
}

/// Prints probes a second, failures, and resident sizes, as one line of numbers.
pub fn probes(arguments: &[String]) {
    let [addresses, count] = arguments else {
        return println!("probes ADDRESS[,ADDRESS…] COUNT: see benches/throughput");
    };
    let addresses = addresses.split(',').filter_map(|one| one.parse().ok());
    let count = count.parse::<u64>().unwrap_or_default();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.expect("a runtime");
    let addresses: Arc<[SocketAddr]> = addresses.collect();
    runtime.block_on(run(&addresses, FEW));
    let (few, _) = resident();
    let began = Instant::now();
    let failed = runtime.block_on(run(&addresses, count));
    let rate = count as f64 / began.elapsed().as_secs_f64();
    let (now, most) = resident();
    println!("{rate:.0} {failed} {few:.1} {now:.1} {most:.1}");
}

/// So many probes, spread over the addresses; how many had no answer.
async fn run(addresses: &Arc<[SocketAddr]>, count: u64) -> u64 {
    let prober = Arc::new(HttpProber::new(Arc::new(SystemClock)));
    let failed = Arc::new(AtomicU64::new(0));
    let mut tasks = tokio::task::JoinSet::new();
    for first in 0..AT_ONCE {
        let (addresses, prober) = (Arc::clone(addresses), Arc::clone(&prober));
        let failed = Arc::clone(&failed);
        tasks.spawn(async move {
            let mut turn = addresses.iter().cycle().skip(usize::try_from(first).unwrap_or(0));
            for number in (first..count).step_by(usize::try_from(AT_ONCE).unwrap_or(1)) {
                let Some(address) = turn.next() else { return };
                if prober.probe(&probe(*address, number)).await.result.is_err() {
                    failed.fetch_add(1, Ordering::Relaxed);
                }
            }
        });
    }
    tasks.join_all().await;
    failed.load(Ordering::Relaxed)
}
