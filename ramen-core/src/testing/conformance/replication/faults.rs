//! M17, M20, M22: when the driver's own cluster does not answer.

use tokio::time::Instant;

use super::{
    DriverCase,
    bed::{DriverFault, Side},
    lab::{CALL, DriverLab, is_positive, soon, states},
};
use crate::{
    api::DRAction,
    testing::conformance::{
        kit::kit_cases,
        lab::{broken, ensure},
        report::CaseOutcome,
    },
};

pub(super) const CASES: &[DriverCase] = kit_cases![DriverLab;
    "M17": "storage that does not answer is not a state of the volumes",
        "an outage of the storage passes for success, or for a reason to start over", unreachable;
    "M20": "observe and execute end by their deadlines",
        "one hanging array holds up every group of the cluster", deadlines;
    "M22": "a command that fails says which volume, and what kind of failure it was",
        "an operator with a hundred volumes cannot tell which one to mend", named;
];

async fn unreachable(lab: &DriverLab<'_>) -> CaseOutcome {
    let request = lab.protect().await?;
    let driver = lab.driver(Side::First)?;
    for fault in [DriverFault::Silent, DriverFault::Refuses] {
        lab.inflict(Side::First, fault).await?;
        match driver.observe(&request, soon()).await {
            Err(failure) => ensure(failure.class().is_transport(), format_args!("{fault:?}: {failure:?}"))?,
            Ok(observed) => {
                let seen = driver.decide(&request, &observed);
                ensure(!seen.volumes.values().any(is_positive), format_args!("{fault:?}, and yet {}", states(&seen)))?;
                ensure(seen.commands.is_empty(), format_args!("{fault:?}: told to {:?}", seen.commands))?;
            }
        }
        lab.bed.heal(Side::First).await?;
    }
    Ok("no verdict and no command from what could not be seen".into())
}

async fn deadlines(lab: &DriverLab<'_>) -> CaseOutcome {
    let request = lab.primary(Side::First, None)?;
    let driver = lab.driver(Side::First)?;
    let decision = lab.look(Side::First, &request).await?;
    lab.inflict(Side::First, DriverFault::Silent).await?;
    let limit = CALL + lab.bed.slack();
    let start = Instant::now();
    let _ = driver.observe(&request, soon()).await;
    ensure(start.elapsed() <= limit, format_args!("observe outstayed its deadline: {:?}", start.elapsed()))?;
    for command in &decision.commands {
        let start = Instant::now();
        let answer = driver.execute(command, soon()).await;
        ensure(start.elapsed() <= limit, format_args!("{:?} outstayed its deadline", command.summary))?;
        ensure(answer.is_err(), format_args!("{:?} was done by a storage that does not answer", command.summary))?;
    }
    lab.bed.heal(Side::First).await?;
    Ok(format!("observe and {} commands ended in time", decision.commands.len()))
}

async fn named(lab: &DriverLab<'_>) -> CaseOutcome {
    lab.protect().await?;
    let request = lab.secondary(Side::First, DRAction::Relocate)?;
    let decision = lab.look(Side::First, &request).await?;
    if decision.commands.is_empty() {
        return Err(crate::testing::conformance::Unmet::NotApplicable("the driver has no commands".into()));
    }
    lab.inflict(Side::First, DriverFault::Refuses).await?;
    let driver = lab.driver(Side::First)?;
    for command in &decision.commands {
        let Err(failure) = driver.execute(command, soon()).await else {
            return broken(format_args!("{:?} was done by a storage that refuses", command.summary));
        };
        let text = failure.to_string();
        ensure(failure.class().is_transport(), format_args!("{:?} failed as {}", command.summary, failure.class()))?;
        let names = command.volumes.iter().any(|id| text.contains(&id.name));
        ensure(names, format_args!("{:?} failed without naming a volume: {text}", command.summary))?;
    }
    lab.bed.heal(Side::First).await?;
    Ok("the volume is named and the class is that of the storage being out of reach".into())
}
