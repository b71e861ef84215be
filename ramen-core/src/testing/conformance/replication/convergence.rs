//! M7, M13, M14: commands, what they are expected to do, and their end.

use super::{
    DriverCase,
    bed::Side,
    lab::{DriverLab, all, soon},
};
use crate::{
    api::DRAction,
    protection::replication::{DataReady, DriverDecision, ReplicationRequest},
    testing::conformance::{Unmet, kit::kit_cases, lab::ensure, report::CaseOutcome},
};

pub(super) const CASES: &[DriverCase] = kit_cases![DriverLab;
    "M7": "a crash after any command, and doing it again, converges",
        "one restart at the wrong moment leaves a move half done for ever", crashes;
    "M13": "what a command is expected to do is what a later observation shows",
        "a plan ends in another state than the action", expectations;
    "M14": "once everything is reached nothing more is done",
        "an idle group keeps the API server and the storage busy", rest;
];

async fn crashes(lab: &DriverLab<'_>) -> CaseOutcome {
    *lab.crashing.borrow_mut() = true;
    lab.protect().await?;
    lab.must_write(Side::First).await?;
    let last = lab.digests(Side::First).await?;
    lab.give_up(Side::First).await?;
    lab.become_primary(Side::Second, Some(DRAction::Relocate)).await?;
    ensure(lab.digests(Side::Second).await? == last, "a move with crashes lost writes")?;
    lab.must_write(Side::Second).await?;
    let follows = lab.secondary(Side::First, DRAction::Relocate)?;
    lab.settle(Side::First, &follows, "the old primary follows", |d| all(d, DataReady::Replicated)).await?;
    Ok("protected and moved, the driver dying after each command, which its successor repeated".into())
}

/// What a user would see of a decision: commands and states.
fn outline(decision: &DriverDecision) -> String {
    let left: Vec<_> = decision.commands.iter().map(|command| command.summary.as_str()).collect();
    let states = decision
        .volumes
        .iter()
        .map(|(id, v)| format!("{id} {:?}/{:?} released {}", v.data_ready.state, v.data_protected.state, v.released));
    format!("{}; to do {left:?}", states.collect::<Vec<_>>().join(", "))
}

/// Plans and does a request side by side. How many commands it took.
async fn planned_and_done(lab: &DriverLab<'_>, side: Side, request: &ReplicationRequest) -> Result<usize, Unmet> {
    let driver = lab.driver(side)?;
    let mut commands = 0;
    for _ in 0..10 {
        let request = lab.complete(side, request);
        let observed = driver.observe(&request, soon()).await?;
        let decision = driver.decide(&request, &observed);
        if decision.commands.is_empty() {
            break;
        }
        let expected = decision.commands.iter().fold(observed, |seen, command| driver.expect(&seen, command));
        for command in &decision.commands {
            driver.execute(command, soon()).await?;
        }
        commands += decision.commands.len();
        lab.settled().await;
        let shown = driver.observe(&request, soon()).await?;
        let (planned, done) = (driver.decide(&request, &expected), driver.decide(&request, &shown));
        let (planned, done) = (outline(&planned), outline(&done));
        ensure(planned == done, format_args!("planned: {planned}; came: {done}"))?;
    }
    Ok(commands)
}

async fn expectations(lab: &DriverLab<'_>) -> CaseOutcome {
    let mut commands = planned_and_done(lab, Side::First, &lab.primary(Side::First, None)?).await?;
    commands += planned_and_done(lab, Side::First, &lab.secondary(Side::First, DRAction::Relocate)?).await?;
    commands += planned_and_done(lab, Side::Second, &lab.primary(Side::Second, Some(DRAction::Relocate))?).await?;
    let mut deletion = lab.primary(Side::Second, None)?;
    deletion.deleting = true;
    commands += planned_and_done(lab, Side::Second, &deletion).await?;
    if commands == 0 {
        return Err(Unmet::NotApplicable("the driver has no commands".into()));
    }
    Ok(format!("{commands} commands of a protection, a relocate and a deletion had their expected effects"))
}

async fn rest(lab: &DriverLab<'_>) -> CaseOutcome {
    let primary = lab.protect().await?;
    for _ in 0..3 {
        let seen = lab.look(Side::First, &primary).await?;
        ensure(seen.commands.is_empty(), format_args!("a settled primary is told to {:?}", seen.commands))?;
        lab.settled().await;
    }
    lab.give_up(Side::First).await?;
    let secondary = lab.secondary(Side::First, DRAction::Relocate)?;
    for _ in 0..3 {
        let seen = lab.look(Side::First, &secondary).await?;
        ensure(seen.commands.is_empty(), format_args!("a settled secondary is told to {:?}", seen.commands))?;
        lab.settled().await;
    }
    Ok("no command for a settled primary nor for a settled secondary".into())
}
