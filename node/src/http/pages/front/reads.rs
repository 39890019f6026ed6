//! How much is read for strangers: only so much at a time, and what takes long is remembered for a minute.

use super::super::super::app::blocking;
use super::super::super::limits::{
    FRONT_RATING_MS_MAX, FRONT_RATINGS_MAX, FRONT_READ_WAIT_MS_MAX, FRONT_READS_MAX,
};
use super::super::super::problem::Problem;
use souk_protocol::id::ListingId;
use souk_protocol::records::Fault;
use souk_protocol::view::RatingView;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::Semaphore;

/// Places for reading.
pub(super) struct Places {
    free: Arc<Semaphore>,
    wait: Duration,
}

impl Default for Places {
    fn default() -> Self {
        Self::new(FRONT_READS_MAX, Duration::from_millis(FRONT_READ_WAIT_MS_MAX))
    }
}

impl Places {
    fn new(places: usize, wait: Duration) -> Self {
        Self {
            free: Arc::new(Semaphore::new(places)),
            wait,
        }
    }

    /// Reads away from the threads that serve, once there is a place. The place is given back when the reading
    /// ends, not when somebody ceases to wait for it: what was begun goes on.
    pub(super) async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Problem> {
        let place = tokio::time::timeout(self.wait, self.free.clone().acquire_owned());
        let place = place.await.map_err(|_| Problem::TooSlow)?;
        let place = place.map_err(|error| Problem::Fault(error.to_string()))?;
        blocking(move || {
            let read = work();
            drop(place);
            read
        })
        .await
    }
}

/// Ratings that were read lately.
#[derive(Default)]
pub(super) struct Ratings(Mutex<HashMap<ListingId, Known>>);

#[derive(Clone, Copy)]
struct Known {
    rating: Option<RatingView>,
    at: Instant,
}

impl Known {
    fn is_fresh(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.at) < Duration::from_millis(FRONT_RATING_MS_MAX)
    }
}

impl Ratings {
    fn held(&self) -> MutexGuard<'_, HashMap<ListingId, Known>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The rating of a listing, as it was a moment ago or else as it is read now.
    pub(super) fn of(
        &self,
        id: ListingId,
        now: Instant,
        read: impl FnOnce() -> Result<Option<RatingView>, Fault>,
    ) -> Result<Option<RatingView>, Fault> {
        let known = self.held().get(&id).copied();
        if let Some(known) = known.filter(|known| known.is_fresh(now)) {
            return Ok(known.rating);
        }
        let rating = read()?;
        let mut held = self.held();
        if held.len() >= FRONT_RATINGS_MAX {
            held.retain(|_, known| known.is_fresh(now));
        }
        if held.len() < FRONT_RATINGS_MAX {
            held.insert(id, Known { rating, at: now });
        }
        Ok(rating)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    #[tokio::test]
    async fn who_finds_no_place_is_told_so_until_what_was_begun_has_ended() {
        let places = Arc::new(Places::new(1, Duration::from_millis(20)));
        let (end, ended) = mpsc::channel::<()>();
        let (begun, begins) = tokio::sync::oneshot::channel();
        let asked = places.clone();
        let first = tokio::spawn(async move {
            asked
                .read(move || {
                    begun.send(()).unwrap();
                    ended.recv().unwrap();
                })
                .await
        });
        begins.await.unwrap();
        // Nobody waits for it any more, and it still holds its place.
        first.abort();
        assert!(first.await.unwrap_err().is_cancelled());
        assert_eq!(places.read(|| 1).await, Err(Problem::TooSlow));
        end.send(()).unwrap();
        let mut read = places.read(|| 1).await;
        for _ in 0..100 {
            if read.is_ok() {
                break;
            }
            read = places.read(|| 1).await;
        }
        assert_eq!(read, Ok(1));
    }

    #[test]
    fn a_rating_is_read_once_a_minute() {
        let (ratings, now) = (Ratings::default(), Instant::now());
        let id = |number: usize| {
            let mut bytes = [0; 16];
            bytes[..8].copy_from_slice(&number.to_be_bytes());
            ListingId::from_bytes(bytes)
        };
        let rating = |count| Some(RatingView { count, mean: 4.0 });
        let never = || panic!("it is known");
        assert_eq!(ratings.of(id(0), now, || Ok(rating(1))).unwrap(), rating(1));
        assert_eq!(ratings.of(id(0), now, never).unwrap(), rating(1));
        let later = now + Duration::from_millis(FRONT_RATING_MS_MAX);
        assert_eq!(ratings.of(id(0), later, || Ok(rating(2))).unwrap(), rating(2));
        for number in 0..=FRONT_RATINGS_MAX {
            ratings.of(id(number), later, || Ok(None)).unwrap();
        }
        assert_eq!(ratings.held().len(), FRONT_RATINGS_MAX);
        let later = later + Duration::from_millis(FRONT_RATING_MS_MAX);
        ratings.of(id(FRONT_RATINGS_MAX), later, || Ok(None)).unwrap();
        assert_eq!(ratings.held().len(), 1);
    }
}
