//! Manners of the looking end: whoever asks, an address is looked at once a second and by one probe at a time.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex as StdMutex, PoisonError};
use std::time::Duration;

use tokio::sync::{Mutex, OwnedMutexGuard};
use tokio::time::{Instant, sleep_until};

/// From the start of one probe to that of the next.
const APART: Duration = Duration::from_secs(1);
/// Addresses that are remembered without need at most.
const MAX_DOORS: usize = 1024;

/// The door of one address; what it holds is when it opens next.
type Door = Arc<Mutex<Instant>>;

/// One door for each address; loopback has none.
#[derive(Default)]
pub(super) struct Manners {
    doors: StdMutex<HashMap<IpAddr, Door>>,
}

/// The right to look at one address, until it is dropped.
pub(super) struct Turn {
    _door: Option<OwnedMutexGuard<Instant>>,
}

impl Manners {
    /// Waits for the turn to look at `address`, in the order of asking.
    pub async fn turn(&self, address: IpAddr) -> Turn {
        let address = address.to_canonical();
        if address.is_loopback() {
            return Turn { _door: None };
        }
        let mut door = self.door(address).lock_owned().await;
        sleep_until(*door).await;
        *door = Instant::now() + APART;
        Turn { _door: Some(door) }
    }

    fn door(&self, address: IpAddr) -> Door {
        let mut doors = self.doors.lock().unwrap_or_else(PoisonError::into_inner);
        if doors.len() >= MAX_DOORS {
            let now = Instant::now();
            doors.retain(|_, door| {
                Arc::strong_count(door) > 1 || door.try_lock().is_ok_and(|opens| *opens > now)
            });
        }
        Arc::clone(doors.entry(address).or_insert_with(|| Arc::new(Mutex::new(Instant::now()))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn an_address_is_looked_at_once_a_second_and_others_do_not_wait_for_it() {
        let (manners, started) = (Manners::default(), Instant::now());
        drop(manners.turn(ip("192.0.2.1")).await);
        drop(manners.turn(ip("::ffff:192.0.2.1")).await);
        assert_eq!(started.elapsed(), APART);
        drop(manners.turn(ip("192.0.2.2")).await);
        for _ in 0..100 {
            drop(manners.turn(ip("127.0.0.1")).await);
        }
        assert_eq!(started.elapsed(), APART);
        drop(manners.turn(ip("192.0.2.1")).await);
        assert_eq!(started.elapsed(), 2 * APART);
    }

    #[tokio::test(start_paused = true)]
    async fn one_probe_at_a_time() {
        let manners = Arc::new(Manners::default());
        let first = manners.turn(ip("192.0.2.1")).await;
        let other = Arc::clone(&manners);
        let mut second = tokio::spawn(async move { other.turn(ip("192.0.2.1")).await });
        let waits = tokio::time::timeout(10 * APART, &mut second).await;
        assert!(waits.is_err(), "the first is still under way");
        drop(first);
        second.await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn addresses_that_need_not_be_remembered_are_forgotten() {
        let manners = Manners::default();
        for n in 0..=u8::MAX {
            for m in 0..8 {
                drop(manners.turn(IpAddr::from([198, 51, m, n])).await);
            }
            tokio::time::advance(APART).await;
        }
        assert!(manners.doors.lock().unwrap().len() <= MAX_DOORS + 8);
    }
}
