//! What makes a warning true of a study: rules of their own, by which property tests hold whatever is said.

use super::comparability::{
    MUCH_SERIAL, MUCH_WAITED, goes_apart, has_no_loop, has_several, inherits, runs_children_itself,
    separates, waits_for_core,
};
use super::effort::FEWEST;
use super::judge::offloads;
use super::relief::Relief;
use super::told::{Told, told};
use super::warning::{
    BUSY, FOUGHT, GilContentionCost, Oversubscription, RETRY_STORM, WAKE_UP_AT_MOST, Warning,
    attempts_for_each_first, gains_nothing, ranks_before, sequential_cpu,
};
use crate::quantity::Quantity;
use crate::result::{
    CountedFinding, CountingStart, FAILS_MORE, Forecast, Status, Study, Tier, Verdict,
};
use crate::scenario::Strategy;
use crate::syntax::parse_objective;

impl Warning {
    /// Whether the warning is true of the study.
    pub fn holds(&self, study: &Study) -> bool {
        let of = |name: &String| study.forecasts.iter().find(|f| f.name() == *name);
        let is = |name: &String, status: Status| of(name).is_some_and(|f| f.status == status);
        let mean = |f: &Forecast, q| f.get(q).map(|e| e.mean);
        // Whether each of the strategies has a forecast for which something holds.
        let compared = |strategies: &[String], is: &dyn Fn(&Forecast) -> bool| {
            let has = |s: &String| study.forecasts.iter().any(|f| f.strategy == *s && is(f));
            strategies.iter().all(has)
        };
        match self {
            Self::Saturated {
                cases,
                cores,
                keeps_up,
                ..
            } => {
                let busy = |f: &Forecast| mean(f, Quantity::Utilization).is_some_and(|u| u >= BUSY);
                cases.iter().all(|(c, done)| {
                    is(c, Status::Saturated)
                        && of(c).is_some_and(|f| {
                            mean(f, Quantity::Throughput).unwrap_or(0.0) == *done
                                && (!cores || busy(f))
                        })
                }) && keeps_up
                    .as_ref()
                    .is_none_or(|c| of(c).is_some_and(super::steady::keeps_up))
            }
            Self::FailuresDiffer {
                cases,
                least,
                struck,
            } => {
                let share = |c: &String| of(c).and_then(|f| mean(f, Quantity::FailureRate));
                let is = |(c, _): &(String, f64)| of(c).is_some_and(super::told::is_struck);
                share(&least.0) == Some(least.1)
                    && *struck == cases.iter().any(is)
                    && cases.iter().all(|(c, s)| {
                        share(c) == Some(*s)
                            && *s > least.1 + FAILS_MORE
                            && of(c).is_some_and(|f| f.tier == Tier::Fails)
                    })
            }
            Self::NotConverged {
                cases,
                precision,
                instead,
                ..
            } => cases.iter().all(|(c, r)| {
                let known = |name: &String| {
                    let q = Quantity::ALL
                        .into_iter()
                        .find(|q| q.percentile().as_ref() == Some(name));
                    let relative = q.and_then(|q| of(c)?.get(q)?.relative());
                    relative.is_some_and(|r| r <= *precision)
                };
                of(c).and_then(|f| f.primary()?.relative()) == Some(*r)
                    && r > precision
                    && instead.as_ref().is_none_or(known)
            }),
            Self::FewReplications { replications } => {
                let fine = study.forecasts.iter().filter(|f| f.status == Status::Fine);
                fine.map(|f| f.replications).min() == Some(*replications) && *replications < FEWEST
            }
            Self::WarmupUncertain { cases } => cases
                .iter()
                .all(|c| of(c).is_some_and(|f| f.begins == CountingStart::Uncertain)),
            Self::WarmupCut { cases } => cases.iter().all(|(c, t)| {
                of(c).is_some_and(|f| f.begins == CountingStart::CutShort && f.warmup == *t)
            }),
            Self::OutOfMemory { cases, ways, .. } => {
                let possible = |w: &Relief| {
                    let mut all = cases.iter().filter_map(|(c, ..)| of(c));
                    all.any(|f| f.is(|s| w.fits(s)))
                };
                cases.iter().all(|(c, ..)| is(c, Status::OutOfMemory))
                    && !ways.is_empty()
                    && ways.iter().all(possible)
            }
            Self::Deadlock { cases, on } => {
                let among =
                    |x: &CountedFinding| x.finding.wait_reasons().iter().all(|o| on.contains(o));
                cases.iter().all(|(c, ..)| {
                    is(c, Status::Deadlock) && of(c).is_some_and(|f| f.findings.iter().all(among))
                })
            }
            Self::EventLimit { cases, .. } => cases.iter().all(|c| is(c, Status::EventLimit)),
            Self::ClockEnd { cases } => cases.iter().all(|c| is(c, Status::ClockEnd)),
            Self::NothingCompleted { cases } => {
                cases.iter().all(|(c, _)| is(c, Status::NothingCompleted))
            }
            Self::Unsupported { cases } => cases
                .iter()
                .all(|(c, why)| of(c).is_some_and(|f| f.refusal.as_ref() == Some(why))),
            Self::BlockedLoop { cases, .. } | Self::StarvedLoop { cases, .. } => {
                cases.iter().all(|(c, t)| {
                    // What a loop does itself blocks it, whatever it offloads besides.
                    let starved = matches!(self, Self::StarvedLoop { .. });
                    let blocked = |x: &CountedFinding| x.finding.blocked() == Some(*t);
                    of(c).is_some_and(|f| {
                        (!starved || f.is(offloads)) && f.findings.iter().any(blocked)
                    })
                })
            }
            Self::Convoy { cases, .. } => cases.iter().all(|c| {
                let said = (c.times, c.task.as_str(), c.each);
                let same = |x: &CountedFinding| x.finding.convoy() == Some(said);
                of(&c.case).is_some_and(|f| f.findings.iter().any(same))
            }),
            Self::ContendedObject { cases } => {
                !cases.is_empty()
                    && cases.iter().all(|c| {
                        let said = (c.object.as_str(), c.task.as_str(), c.share);
                        let same = |x: &CountedFinding| x.finding.contended() == Some(said);
                        of(&c.case).is_some_and(|f| f.findings.iter().any(same))
                    })
            }
            Self::ScarceResource { cases } => {
                !cases.is_empty()
                    && cases.iter().all(|c| {
                        let said = (c.resource.as_str(), c.task.as_str(), c.share);
                        let same = |x: &CountedFinding| x.finding.scarce() == Some(said);
                        of(&c.case).is_some_and(|f| f.findings.iter().any(same))
                    })
            }
            Self::BusyDevice { cases, fewer: _ } => {
                !cases.is_empty()
                    && cases.iter().all(|c| {
                        let said = (c.device.as_str(), c.task.as_str(), c.share);
                        let same = |x: &CountedFinding| x.finding.slowed() == Some(said);
                        of(&c.case).is_some_and(|f| f.findings.iter().any(same))
                    })
            }
            Self::RetryStorm { cases, .. } => {
                !cases.is_empty()
                    && cases.iter().all(|(c, said)| {
                        let attempts = of(c).and_then(attempts_for_each_first);
                        attempts == Some(*said) && *said >= RETRY_STORM
                    })
            }
            Self::Rejected { cases, .. } => {
                !cases.is_empty()
                    && (cases.iter()).all(|c| tells(of(&c.case), &Told::Rejected(c.clone())))
            }
            Self::FullBacklog { cases } => {
                !cases.is_empty()
                    && cases.iter().all(|c| {
                        c.most > c.holds && tells(of(&c.case), &Told::FullQueue(c.clone()))
                    })
            }
            Self::WorkerTimeout { cases, .. } => {
                !cases.is_empty()
                    && (cases.iter()).all(|c| tells(of(&c.case), &Told::Killed(c.clone())))
            }
            Self::CrashedWorkers { cases } => {
                !cases.is_empty()
                    && (cases.iter()).all(|c| tells(of(&c.case), &Told::Crashed(c.clone())))
            }
            Self::BrokenPool { cases } => {
                !cases.is_empty()
                    && (cases.iter()).all(|c| tells(of(&c.case), &Told::Broken(c.clone())))
            }
            Self::LostTasks { cases } => {
                !cases.is_empty()
                    && (cases.iter()).all(|c| tells(of(&c.case), &Told::Lost(c.clone())))
            }
            Self::LostMachines { cases } => {
                !cases.is_empty()
                    && (cases.iter()).all(|c| tells(of(&c.case), &Told::Machines(c.clone())))
            }
            Self::Restarts { cases } => {
                !cases.is_empty()
                    && (cases.iter()).all(|c| tells(of(&c.case), &Told::Restarted(c.clone())))
            }
            Self::MissedFault { cases } => {
                !cases.is_empty()
                    && (cases.iter()).all(|c| tells(of(&c.case), &Told::Missed(c.clone())))
            }
            Self::MemoryKills { cases } => {
                !cases.is_empty()
                    && (cases.iter()).all(|c| tells(of(&c.case), &Told::ForMemory(c.clone())))
            }
            Self::ProgramCrashed { cases } => {
                !cases.is_empty() && cases.iter().all(|(c, _)| is(c, Status::Crashed))
            }
            Self::FutileWakeups { cases, instead } => {
                let fights = |f: &Forecast| {
                    f.findings
                        .iter()
                        .any(|x| x.finding.woken_in_vain().is_some())
                };
                let as_said = |c: &GilContentionCost| {
                    of(&c.case).is_some_and(|f| {
                        f.findings
                            .iter()
                            .any(|x| x.finding.woken_in_vain() == Some((c.times, c.task.as_str())))
                            && mean(f, Quantity::Cpu) == Some(c.cpu)
                            && sequential_cpu(study, f) == Some(c.sequential)
                            && gains_nothing(study, f)
                    }) && c.cpu >= c.sequential * (1.0 + FOUGHT)
                        && c.times as f64 * WAKE_UP_AT_MOST >= (c.cpu - c.sequential) / 2.0
                };
                let better = |name: &String| {
                    of(name).is_some_and(|f| {
                        let before =
                            |c: &GilContentionCost| of(&c.case).is_some_and(|g| ranks_before(f, g));
                        !fights(f) && cases.iter().all(before)
                    })
                };
                !cases.is_empty()
                    && cases.iter().all(as_said)
                    && instead.as_ref().is_none_or(better)
            }
            Self::MoreResources { names, strategies } => {
                let others = study.forecasts.iter().any(|f| !f.is(has_several));
                !names.is_empty() && others && compared(strategies, &|f| f.is(has_several))
            }
            Self::SerialChildren { strategies } => {
                !strategies.is_empty() && compared(strategies, &|f| f.is(runs_children_itself))
            }
            Self::RoundsApart { strategies } => {
                !strategies.is_empty() && compared(strategies, &|f| f.is(goes_apart))
            }
            Self::Oversubscribed { cases, cores } => {
                let as_said = |c: &Oversubscription| {
                    of(&c.case).is_some_and(|f| waits_for_core(f) == c.share)
                        && c.share >= MUCH_WAITED
                        && c.callers.saturating_mul(c.threads) > *cores
                };
                !cases.is_empty() && cases.iter().all(as_said)
            }
            Self::SerialPart { case, share } => {
                let of = |f: &Forecast| f.get(Quantity::Serial).is_some_and(|e| e.mean == *share);
                let mut all = study.forecasts.iter();
                *share >= MUCH_SERIAL && all.any(|f| f.name() == *case && of(f))
            }
            Self::InPlace { strategies } => {
                !strategies.is_empty() && compared(strategies, &|f| f.is(has_no_loop))
            }
            Self::NoSuchPool { pool, strategies } => {
                let lacks =
                    |s: &Strategy| !has_no_loop(s) && s.pools().iter().all(|p| p.name != *pool);
                !strategies.is_empty() && compared(strategies, &|f| f.is(lacks))
            }
            Self::EstimatedObjects { strategies, .. } => {
                !strategies.is_empty() && compared(strategies, &|f| inherits(study, f))
            }
            Self::Unshared { names, strategies } => {
                !names.is_empty() && compared(strategies, &|f| f.is(separates))
            }
            Self::ObjectiveMissed {
                objective,
                closest: (case, value),
                relaxed,
                ..
            } => {
                let judged =
                    |f: &Forecast| f.objectives.iter().find(|o| o.text == *objective).cloned();
                let missed = study
                    .forecasts
                    .iter()
                    .all(|f| judged(f).is_some_and(|o| o.verdict == Verdict::Missed));
                let value_of = of(case).and_then(judged).and_then(|o| o.value);
                let would_meet = relaxed.as_ref().is_none_or(|r| {
                    value_of.zip(parse_objective(r).ok()).is_some_and(|(v, o)| {
                        if o.below {
                            v.high() < o.bound
                        } else {
                            v.low() > o.bound
                        }
                    })
                });
                missed && value_of.is_some_and(|v| v.mean == *value) && would_meet
            }
            Self::EstimatedProfile {
                interpreter,
                defaults,
                ..
            } => study
                .interpreters
                .iter()
                .any(|i| i.name == *interpreter && i.estimated == *defaults),
            Self::Added(of) => {
                of.holds(study) && study.forecasts.iter().any(|f| f.status == Status::Fine)
            }
        }
    }
}

/// Whether a finding of the case says just this.
fn tells(case: Option<&Forecast>, what: &Told) -> bool {
    case.is_some_and(|f| {
        let mut findings = f.findings.iter();
        findings.any(|x| told(f, &x.finding).as_ref() == Some(what))
    })
}
