use std::collections::BTreeMap;

use tokio::time::advance;

use super::*;

const SECOND: Duration = Duration::from_secs(1);

fn queue(config: QueueConfig) -> Queue<String> {
    // The lane of "a/1" is "a".
    Queue::new(config, 7, |key: &String| key.split('/').next().map(ToOwned::to_owned).into_iter().collect())
}

fn add(queue: &Queue<String>, keys: &[&str], priority: Priority) {
    for key in keys {
        queue.add((*key).to_owned(), priority);
    }
}

/// The keys in the order in which one worker gets them, until nothing is ready.
async fn drain(queue: &Queue<String>) -> Vec<String> {
    let mut order = Vec::new();
    while let Ok(Some(work)) = tokio::time::timeout(Duration::ZERO, queue.next()).await {
        order.push(work.key().clone());
    }
    order
}

#[tokio::test(start_paused = true)]
async fn a_key_waits_once_and_in_the_order_in_which_it_came() {
    let queue = queue(QueueConfig::default());
    add(&queue, &["b", "a", "b", "c", "a"], Priority::Action);
    assert_eq!(drain(&queue).await, ["b", "a", "c"]);
}

#[tokio::test(start_paused = true)]
async fn a_user_who_waits_comes_before_background_work_also_if_it_came_later() {
    let queue = queue(QueueConfig::default());
    add(&queue, &["refresh-1", "refresh-2"], Priority::Background);
    add(&queue, &["failover"], Priority::Action);
    add(&queue, &["refresh-2"], Priority::Action);
    assert_eq!(drain(&queue).await, ["failover", "refresh-2", "refresh-1"]);
}

#[tokio::test(start_paused = true)]
async fn background_work_is_not_starved_by_a_storm_of_actions() {
    let queue = queue(QueueConfig { background_after: 3, ..QueueConfig::default() });
    add(&queue, &["refresh"], Priority::Background);
    let actions: Vec<String> = (0..8).map(|i| format!("action-{i}")).collect();
    add(&queue, &actions.iter().map(String::as_str).collect::<Vec<_>>(), Priority::Action);
    assert_eq!(drain(&queue).await.iter().position(|k| k == "refresh"), Some(3));
}

#[tokio::test(start_paused = true)]
async fn a_change_during_the_work_is_not_lost_and_the_key_is_never_worked_on_twice_at_a_time() {
    let queue = queue(QueueConfig::default());
    add(&queue, &["a"], Priority::Action);
    let work = queue.next().await.unwrap();
    add(&queue, &["a"], Priority::Background);
    assert_eq!(drain(&queue).await, Vec::<String>::new());
    drop(work);
    assert_eq!(drain(&queue).await, ["a"]);
    assert_eq!(drain(&queue).await, Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn a_full_lane_does_not_hold_back_the_others() {
    let queue = queue(QueueConfig { per_lane: 1, ..QueueConfig::default() });
    add(&queue, &["a/1", "a/2", "b/1"], Priority::Action);
    let first = queue.next().await.unwrap();
    let second = queue.next().await.unwrap();
    assert_eq!((first.key().as_str(), second.key().as_str()), ("a/1", "b/1"));
    drop(first);
    assert_eq!(drain(&queue).await, ["a/2"]);
}

#[tokio::test(start_paused = true)]
async fn the_earliest_of_several_delays_counts_and_an_event_ends_a_delay() {
    let queue = queue(QueueConfig::default());
    queue.add_after("a".into(), 10 * SECOND, Priority::Background);
    queue.add_after("a".into(), 5 * SECOND, Priority::Background);
    queue.add_after("b".into(), 60 * SECOND, Priority::Background);
    assert_eq!(drain(&queue).await, Vec::<String>::new());
    advance(5 * SECOND).await;
    assert_eq!(drain(&queue).await, ["a"]);
    add(&queue, &["b"], Priority::Action);
    assert_eq!(drain(&queue).await, ["b"]);
    advance(60 * SECOND).await;
    assert_eq!(drain(&queue).await, Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn failures_in_a_row_wait_longer_and_a_success_starts_over() {
    let queue = queue(QueueConfig::default());
    let delays: Vec<Duration> = (0..10)
        .map(|_| {
            let delay = queue.add_failed("a".into(), Priority::Action);
            queue.add("a".into(), Priority::Action);
            delay
        })
        .collect();
    assert!(delays[0] <= Duration::from_millis(500), "{delays:?}");
    assert!(delays.windows(2).take(6).all(|w| w[1] > w[0]), "{delays:?}");
    assert!(delays[9] <= 60 * SECOND && delays[9] >= 45 * SECOND, "{delays:?}");
    queue.forget_failures(&"a".to_owned());
    assert!(queue.add_failed("a".into(), Priority::Action) <= Duration::from_millis(500));
}

#[tokio::test(start_paused = true)]
async fn a_worker_that_waits_is_woken_by_an_addition_by_time_and_by_the_end() {
    let queue = queue(QueueConfig::default());
    let worker = tokio::spawn({
        let queue = queue.clone();
        async move {
            let mut seen = Vec::new();
            while let Some(work) = queue.next().await {
                seen.push(work.key().clone());
            }
            seen
        }
    });
    tokio::task::yield_now().await;
    add(&queue, &["event"], Priority::Action);
    queue.add_after("timer".into(), SECOND, Priority::Background);
    tokio::time::sleep(2 * SECOND).await;
    queue.shut_down();
    assert_eq!(worker.await.unwrap(), ["event", "timer"]);
}

/// The same calls give the same order: seeds of simulated runs can be replayed.
#[tokio::test(start_paused = true)]
async fn many_workers_get_the_same_order_in_each_run_and_share_the_work() {
    async fn run() -> BTreeMap<String, usize> {
        let queue = queue(QueueConfig { per_lane: 2, total: 3, ..QueueConfig::default() });
        let order = Arc::new(Mutex::new(Vec::new()));
        let workers: Vec<_> = (0..4)
            .map(|_| {
                let (queue, order) = (queue.clone(), order.clone());
                tokio::spawn(async move {
                    while let Some(work) = queue.next().await {
                        assert!(queue.depth().1 <= 3);
                        order.lock().unwrap().push(work.key().clone());
                        tokio::time::sleep(SECOND).await;
                    }
                })
            })
            .collect();
        for i in 0..12 {
            queue.add(format!("{}/{i}", i % 2), if i % 3 == 0 { Priority::Background } else { Priority::Action });
        }
        tokio::time::sleep(60 * SECOND).await;
        queue.shut_down();
        for worker in workers {
            worker.await.unwrap();
        }
        let order = order.lock().unwrap();
        order.iter().enumerate().map(|(at, key)| (key.clone(), at)).collect()
    }
    let first = run().await;
    assert_eq!(first.len(), 12);
    assert_eq!(first, run().await);
}
