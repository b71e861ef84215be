//! Runs a scenario in a world of its own, and reports a failing seed so that it can be replayed and read.

use std::{
    fmt,
    future::Future,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    time::Duration,
};

use futures::future::{Either, select};
use tokio::runtime::Builder;

use super::World;
use crate::trace::Trace;

/// The environment variable that restricts [`Run::seeds`] to one seed.
const SEED_VARIABLE: &str = "RAMEN_SIM_SEED";
/// How much of the timeline a failure prints, unless told otherwise.
const SHOWN_LINES: usize = 400;
/// Until when a run must end, unless told otherwise.
const LIMIT: Duration = Duration::from_secs(7 * 24 * 3600);
/// How much a run may do, unless told otherwise. A loop that never rests is found by this.
const MAX_ENTRIES: usize = 2_000_000;

/// How a scenario is run.
#[derive(Clone, Debug)]
pub struct Run {
    seed: u64,
    limit: Duration,
    max_entries: usize,
    replay: Option<String>,
}

/// A run that ended well.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// What happened.
    pub trace: Trace,
    /// How much virtual time passed.
    pub virtual_time: Duration,
}

/// A run that did not. Its text is what a person needs: the reason, how to replay it, the timeline.
#[derive(Clone, thiserror::Error)]
pub struct Failure {
    /// The seed.
    pub seed: u64,
    /// What went wrong.
    pub reason: String,
    /// The command that runs this seed again.
    pub replay: String,
    /// What happened last, a line for each entry.
    pub timeline: String,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "seed {} failed: {}", self.seed, self.reason)?;
        writeln!(f, "replay: {}", self.replay)?;
        write!(f, "timeline (virtual time, kind, actor, what):\n{}", self.timeline)
    }
}

impl fmt::Debug for Failure {
    /// As `Display`: a test that unwraps or returns a failure prints the timeline unescaped.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Run {
    /// A run with the given seed.
    pub fn new(seed: u64) -> Self {
        Self { seed, limit: LIMIT, max_entries: MAX_ENTRIES, replay: None }
    }

    /// The virtual time after which the run has failed. What waits for nothing never ends by itself.
    #[must_use]
    pub fn limit(self, limit: Duration) -> Self {
        Self { limit, ..self }
    }

    /// How many entries the timeline may have before the run has failed: what goes round without rest never ends by
    /// itself.
    #[must_use]
    pub fn max_entries(self, max_entries: usize) -> Self {
        Self { max_entries, ..self }
    }

    /// The command that a failure prints, where the one made up from the test's name does not serve.
    #[must_use]
    pub fn replay(self, command: impl Into<String>) -> Self {
        Self { replay: Some(command.into()), ..self }
    }

    /// Runs a scenario in a fresh world, on a runtime of its own with virtual time. A panic inside (a failed assertion)
    /// goes on after what is needed to replay it was printed.
    ///
    /// # Errors
    /// When the scenario answers an error, a check beside it failed, a process panicked, or it did not end in time.
    pub fn world<F, Fut>(&self, scenario: F) -> Result<Outcome, Failure>
    where
        F: FnOnce(World) -> Fut,
        Fut: Future<Output = Result<(), String>>,
    {
        let runtime = Builder::new_current_thread().enable_time().start_paused(true).build().map_err(|error| {
            self.failure(format!("the runtime of the world cannot be built: {error}"), String::new())
        })?;
        let world = runtime.block_on(async { World::new(self.seed) });
        let trace = world.trace().clone();
        match catch_unwind(AssertUnwindSafe(|| runtime.block_on(self.drive(scenario, world)))) {
            Ok(Ok(virtual_time)) => Ok(Outcome { trace, virtual_time }),
            Ok(Err(reason)) => Err(self.failure(reason, trace.tail(SHOWN_LINES))),
            Err(panic) => {
                // The test harness prints the panic; what it cannot know goes before it.
                eprintln!("{}", self.failure("the scenario panicked".to_owned(), trace.tail(SHOWN_LINES)));
                resume_unwind(panic)
            }
        }
    }

    /// Runs a scenario once for each seed, or only for the one that the environment variable `RAMEN_SIM_SEED` names,
    /// and stops at the first failure.
    ///
    /// # Errors
    /// As [`Run::world`].
    pub fn seeds<F, Fut>(seeds: impl IntoIterator<Item = u64>, scenario: F) -> Result<(), Failure>
    where
        F: Fn(World) -> Fut,
        Fut: Future<Output = Result<(), String>>,
    {
        let only: Option<u64> = std::env::var(SEED_VARIABLE).ok().and_then(|seed| seed.parse().ok());
        let all: Vec<u64> = only.map_or_else(|| seeds.into_iter().collect(), |seed| vec![seed]);
        all.into_iter().try_for_each(|seed| Self::new(seed).world(&scenario).map(drop))
    }

    async fn drive<F, Fut>(&self, scenario: F, world: World) -> Result<Duration, String>
    where
        F: FnOnce(World) -> Fut,
        Fut: Future<Output = Result<(), String>>,
    {
        let storage = world.storage().clone();
        tokio::spawn(async move { storage.run().await });
        let scenario = std::pin::pin!(scenario(world.clone()));
        let spoiled = std::pin::pin!(self.spoiled(&world));
        match select(scenario, spoiled).await {
            Either::Left((result, _)) => result.map(|()| world.clock().elapsed()),
            Either::Right((reason, _)) => Err(reason),
        }
    }

    /// Returns when the run must not go on.
    async fn spoiled(&self, world: &World) -> String {
        let over = async {
            // A second at a time, so that a run which does too much in too little time is stopped as well.
            while world.clock().elapsed() < self.limit && world.trace().len() < self.max_entries {
                tokio::time::sleep(Duration::from_secs(1).min(self.limit)).await;
            }
            if world.trace().len() < self.max_entries {
                format!("it did not end within {:?} of virtual time", self.limit)
            } else {
                format!("more than {} things happened: something goes round without rest", self.max_entries)
            }
        };
        match select(std::pin::pin!(world.failure()), std::pin::pin!(over)).await {
            Either::Left((reason, _)) | Either::Right((reason, _)) => reason,
        }
    }

    fn failure(&self, reason: String, timeline: String) -> Failure {
        let replay = self.replay.clone().unwrap_or_else(|| replay_command(self.seed));
        Failure { seed: self.seed, reason, replay, timeline }
    }
}

/// The test harness names the thread after the test and cargo names the package: enough to run just this again.
fn replay_command(seed: u64) -> String {
    let package = std::env::var("CARGO_PKG_NAME").map(|name| format!(" -p {name}")).unwrap_or_default();
    let current = std::thread::current();
    let test = current.name().filter(|name| *name != "main").map(|name| format!(" {name}")).unwrap_or_default();
    format!("{SEED_VARIABLE}={seed} cargo test{package} --all-features{test} -- --exact --nocapture")
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use futures::FutureExt;

    use super::*;
    use crate::{
        fault::{Disturbance, Schedule},
        shared::Shared,
        world::RestartPolicy,
    };

    #[test]
    fn a_failing_seed_says_why_how_to_replay_it_and_what_happened() {
        let failure = Run::new(42)
            .world(|world| async move {
                world.trace().step("the last thing seen");
                Err("two writers".to_owned())
            })
            .unwrap_err();
        let text = failure.to_string();
        assert!(
            text.starts_with("seed 42 failed: two writers\nreplay: RAMEN_SIM_SEED=42 cargo test -p ramen-sim"),
            "{text}"
        );
        assert!(
            text.contains("world::run::tests::a_failing_seed_says_why_how_to_replay_it_and_what_happened -- --exact"),
            "{text}"
        );
        assert!(text.contains("the last thing seen"), "{text}");
    }

    #[test]
    fn a_run_that_waits_for_nothing_and_one_that_never_rests_are_ended() {
        let waits = Run::new(1).limit(Duration::from_secs(60)).world(|_| std::future::pending());
        assert!(waits.unwrap_err().reason.contains("60s of virtual time"));
        let spins = Run::new(1).max_entries(1000).world(|world| async move {
            loop {
                world.trace().step("again");
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        });
        assert!(spins.unwrap_err().reason.contains("without rest"));
    }

    #[test]
    fn a_process_that_panics_fails_the_run() {
        let failure = Run::new(1).world(|world| async move {
            world.spawn("bad", "hub", RestartPolicy::Never, |_| async { panic!("a bug in the operator") }.boxed());
            std::future::pending().await
        });
        assert_eq!(failure.unwrap_err().reason, "process bad panicked: a bug in the operator");
    }

    #[test]
    fn a_killed_process_lives_again_as_its_policy_says() {
        static LIVES: AtomicU32 = AtomicU32::new(0);
        let outcome = Run::new(1).world(|world| async move {
            let policy = RestartPolicy::After(Duration::from_secs(10));
            let process = world.spawn("operator", "hub", policy, |context| {
                LIVES.fetch_add(1, Ordering::Relaxed);
                async move {
                    context.incarnation().gate().await;
                    std::future::pending::<()>().await;
                }
                .boxed()
            });
            let crash = Disturbance::Crash { process: "operator".into() };
            world.play(&Schedule::new().at(Duration::from_secs(5), crash)).await;
            tokio::time::sleep(Duration::from_secs(1)).await;
            assert!(!process.is_alive());
            tokio::time::sleep(Duration::from_secs(10)).await;
            assert!(process.is_alive());
            assert_eq!(process.incarnation().number(), 2);
            Ok(())
        });
        outcome.unwrap();
        assert_eq!(LIVES.load(Ordering::Relaxed), 2);
    }

    #[test]
    fn hooks_take_part_in_a_schedule() {
        let seen: Shared<Vec<bool>> = Shared::default();
        let told = seen.clone();
        let hook = |disturbed| Disturbance::Hook { name: "store".into(), disturbed };
        Run::new(1)
            .world(|world| async move {
                world.hook("store", move |disturbed| told.with(|all| all.push(disturbed)));
                world
                    .play(
                        &Schedule::new().at(Duration::from_secs(2), hook(false)).at(Duration::from_secs(1), hook(true)),
                    )
                    .await;
                Ok(())
            })
            .unwrap();
        assert_eq!(seen.with(|all| all.clone()), [true, false]);
    }
}
