//! What carries an invalidation from the cloud to real caches: each hears of it after a delay of its own, or never.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::cache::Cache;
use crate::support::http;

/// How often the cloud's books are looked into.
const PACE: Duration = Duration::from_millis(25);

/// When a purge reaches a cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arrival {
    /// So many milliseconds after the cloud has accepted the invalidation.
    After(u64),
    Never,
}

/// When invalidation `number` reaches a cache.
pub type Delays = dyn Fn(&Cache, u64) -> Arrival + Send + Sync;

/// Paths that caches may hold, by public ID: no cache but Varnish can purge by anything else.
pub type Known = Arc<Mutex<HashMap<String, Vec<String>>>>;

/// A purge that was carried out.
#[derive(Debug, Clone)]
pub struct Purged {
    pub pop: String,
    pub at: Instant,
}

/// Threads that purge: one that reads the books, and one for each cache.
pub struct FanOut {
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
    purged: Arc<Mutex<Vec<Purged>>>,
}

struct Order {
    due: Instant,
    paths: Vec<String>,
}

impl FanOut {
    pub fn start(api: &str, caches: &[Cache], known: &Known, delays: Arc<Delays>) -> Self {
        let (stop, purged) = (Arc::new(AtomicBool::new(false)), Arc::new(Mutex::new(Vec::new())));
        let (mut threads, mut lines) = (Vec::new(), Vec::new());
        for cache in caches {
            let (line, orders) = mpsc::channel();
            let (cache, stop, purged) = (cache.clone(), Arc::clone(&stop), Arc::clone(&purged));
            lines.push((cache.clone(), line));
            threads.push(std::thread::spawn(move || carry_out(&cache, &orders, &stop, &purged)));
        }
        let (api, known, ended) = (api.to_owned(), Arc::clone(known), Arc::clone(&stop));
        threads
            .push(std::thread::spawn(move || read_books(&api, &known, &lines, &*delays, &ended)));
        Self { stop, threads, purged }
    }

    /// Every purge so far.
    pub fn purged(&self) -> Vec<Purged> {
        self.purged.lock().expect("no panic").clone()
    }
}

impl Drop for FanOut {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            let ended = thread.join();
            if !std::thread::panicking() {
                ended.expect("the fan-out went through");
            }
        }
    }
}

fn read_books(
    api: &str,
    known: &Known,
    lines: &[(Cache, mpsc::Sender<Order>)],
    delays: &Delays,
    stop: &AtomicBool,
) {
    let mut since = 0;
    while !stop.load(Ordering::Relaxed) {
        let told = http::try_get(&format!("{api}/_local/invalidations?since={since}"));
        let told: Option<Value> =
            told.ok().and_then(|reply| serde_json::from_slice(&reply.body).ok());
        let heard = Instant::now();
        let list = told.as_ref().and_then(|told| told["invalidations"].as_array());
        for one in list.into_iter().flatten() {
            let number = one["number"].as_u64().expect("a number");
            since = since.max(number);
            let id = one["asset"]["public_id"].as_str().unwrap_or_default();
            let paths = known.lock().expect("no panic").get(id).cloned().unwrap_or_default();
            for (cache, line) in lines {
                if let Arrival::After(ms) = delays(cache, number) {
                    let order =
                        Order { due: heard + Duration::from_millis(ms), paths: paths.clone() };
                    line.send(order).ok(); // a thread that ended says why when it is joined
                }
            }
        }
        std::thread::sleep(PACE);
    }
}

fn carry_out(
    cache: &Cache,
    orders: &mpsc::Receiver<Order>,
    stop: &AtomicBool,
    purged: &Mutex<Vec<Purged>>,
) {
    let mut waiting: Vec<Order> = Vec::new();
    while !stop.load(Ordering::Relaxed) {
        match orders.recv_timeout(PACE) {
            Ok(order) => waiting.push(order),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return,
        }
        waiting.extend(orders.try_iter());
        let now = Instant::now();
        for order in waiting.extract_if(.., |order| order.due <= now) {
            for path in &order.paths {
                cache.purge(path);
            }
            let (pop, at) = (cache.pop.clone(), Instant::now());
            purged.lock().expect("no panic").push(Purged { pop, at });
        }
    }
}
