//! What a queue remembers. Synchronous; every collection is ordered.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use rand::SeedableRng;
use rand_pcg::Pcg64;
use tokio::time::Instant;

use super::{Priority, QueueConfig};

/// When a key was added, to break ties: smaller came earlier.
type Ticket = u64;

#[derive(Debug)]
pub(super) struct State<K> {
    config: QueueConfig,
    rng: Pcg64,
    next_ticket: Ticket,
    /// Keys that can be worked on, in their order.
    ready: BTreeMap<(Priority, Ticket), K>,
    /// Keys whose time has not come.
    delayed: BTreeMap<(Instant, Ticket), (K, Priority)>,
    /// Where each waiting key stands.
    places: BTreeMap<K, Place>,
    /// Keys that are worked on, with their lanes, and whether they were added meanwhile.
    working: BTreeMap<K, Working>,
    lanes: BTreeMap<String, usize>,
    failures: BTreeMap<K, u32>,
    /// Actions handed out in a row while background work was waiting.
    actions_in_a_row: u32,
    shut_down: bool,
}

#[derive(Debug, Clone, Copy)]
enum Place {
    Ready(Priority, Ticket),
    Delayed(Instant, Ticket, Priority),
}

#[derive(Debug)]
struct Working {
    lanes: BTreeSet<String>,
    /// What was asked for while it was worked on.
    again: Option<(Option<Instant>, Priority)>,
}

impl<K: Clone + Ord> State<K> {
    pub(super) fn new(config: QueueConfig, seed: u64) -> Self {
        Self {
            config,
            rng: Pcg64::seed_from_u64(seed),
            next_ticket: 0,
            ready: BTreeMap::new(),
            delayed: BTreeMap::new(),
            places: BTreeMap::new(),
            working: BTreeMap::new(),
            lanes: BTreeMap::new(),
            failures: BTreeMap::new(),
            actions_in_a_row: 0,
            shut_down: false,
        }
    }

    pub(super) fn add(&mut self, key: K, priority: Priority) {
        if let Some(work) = self.working.get_mut(&key) {
            let priority = work.again.map_or(priority, |(_, p)| p.min(priority));
            work.again = Some((None, priority));
            return;
        }
        let priority = match self.places.get(&key) {
            // It keeps its place unless it has become more urgent.
            Some(Place::Ready(present, _)) if *present <= priority => return,
            Some(Place::Ready(..)) | None => priority,
            Some(Place::Delayed(_, _, present)) => priority.min(*present),
        };
        self.remove(&key);
        self.make_ready(key, priority);
    }

    pub(super) fn add_at(&mut self, key: K, due: Instant, priority: Priority) {
        if let Some(work) = self.working.get_mut(&key) {
            work.again = match work.again {
                Some((None, p)) => Some((None, p)),
                Some((Some(at), p)) => Some((Some(at.min(due)), p.min(priority))),
                None => Some((Some(due), priority)),
            };
            return;
        }
        let (due, priority) = match self.places.get(&key) {
            Some(Place::Ready(..)) => return,
            Some(Place::Delayed(present, _, p)) => (due.min(*present), priority.min(*p)),
            None => (due, priority),
        };
        self.remove(&key);
        let ticket = self.ticket();
        self.places.insert(key.clone(), Place::Delayed(due, ticket, priority));
        self.delayed.insert((due, ticket), (key, priority));
    }

    /// The next key whose lanes have room, marked as worked on.
    pub(super) fn take(&mut self, now: Instant, lanes_of: &dyn Fn(&K) -> BTreeSet<String>) -> Option<(K, Priority)> {
        self.wake(now);
        if self.working.len() >= self.config.total {
            return None;
        }
        let first_background = (Priority::Background, 0);
        let actions = || self.ready.range(..first_background);
        let background = || self.ready.range(first_background..);
        let found = if self.actions_in_a_row >= self.config.background_after {
            self.first_with_room(background(), lanes_of).or_else(|| self.first_with_room(actions(), lanes_of))
        } else {
            self.first_with_room(actions(), lanes_of).or_else(|| self.first_with_room(background(), lanes_of))
        };
        let (place, lanes) = found?;
        let key = self.ready.remove(&place)?;
        self.places.remove(&key);
        for lane in &lanes {
            *self.lanes.entry(lane.clone()).or_default() += 1;
        }
        let background_waits = self.ready.range(first_background..).next().is_some();
        self.actions_in_a_row =
            if place.0 == Priority::Action && background_waits { self.actions_in_a_row + 1 } else { 0 };
        self.working.insert(key.clone(), Working { lanes, again: None });
        Some((key, place.0))
    }

    pub(super) fn finish(&mut self, key: &K) {
        let Some(work) = self.working.remove(key) else { return };
        for lane in work.lanes {
            if let Some(count) = self.lanes.get_mut(&lane) {
                *count -= 1;
                if *count == 0 {
                    self.lanes.remove(&lane);
                }
            }
        }
        match work.again {
            Some((None, priority)) => self.add(key.clone(), priority),
            Some((Some(due), priority)) => self.add_at(key.clone(), due, priority),
            None => {}
        }
    }

    pub(super) fn next_delay(&mut self, key: &K) -> Duration {
        let failures = self.failures.entry(key.clone()).or_default();
        *failures = failures.saturating_add(1);
        self.config.backoff.after(*failures, &mut self.rng)
    }

    pub(super) fn forget(&mut self, key: &K) {
        self.failures.remove(key);
    }

    pub(super) fn next_due(&self) -> Option<Instant> {
        self.delayed.keys().next().map(|(due, _)| *due)
    }

    pub(super) fn depth(&self) -> (usize, usize) {
        (self.places.len(), self.working.len())
    }

    pub(super) fn shut_down(&mut self) {
        self.shut_down = true;
    }

    pub(super) fn is_shut_down(&self) -> bool {
        self.shut_down
    }

    fn first_with_room<'a>(
        &self,
        mut keys: impl Iterator<Item = (&'a (Priority, Ticket), &'a K)>,
        lanes_of: &dyn Fn(&K) -> BTreeSet<String>,
    ) -> Option<((Priority, Ticket), BTreeSet<String>)>
    where
        K: 'a,
    {
        keys.find_map(|(place, key)| {
            let lanes = lanes_of(key);
            self.has_room(&lanes).then_some((*place, lanes))
        })
    }

    fn has_room(&self, lanes: &BTreeSet<String>) -> bool {
        lanes.iter().all(|lane| self.lanes.get(lane).is_none_or(|count| *count < self.config.per_lane))
    }

    /// Moves the keys whose time has come.
    fn wake(&mut self, now: Instant) {
        while let Some(entry) = self.delayed.first_entry() {
            if entry.key().0 > now {
                break;
            }
            let (key, priority) = entry.remove();
            self.make_ready(key, priority);
        }
    }

    fn make_ready(&mut self, key: K, priority: Priority) {
        let ticket = self.ticket();
        self.places.insert(key.clone(), Place::Ready(priority, ticket));
        self.ready.insert((priority, ticket), key);
    }

    fn remove(&mut self, key: &K) {
        match self.places.remove(key) {
            Some(Place::Ready(priority, ticket)) => drop(self.ready.remove(&(priority, ticket))),
            Some(Place::Delayed(due, ticket, _)) => drop(self.delayed.remove(&(due, ticket))),
            None => {}
        }
    }

    fn ticket(&mut self) -> Ticket {
        self.next_ticket += 1;
        self.next_ticket
    }
}
