//! What stands out, in curves of which the right answer is known.

use pchsim::insight::{Insight, insights};
use pchsim::scenario::Metric;
use proptest::prelude::*;

use super::made::{MAKESPAN, P95, curves, doubled, grid, numbers, sweep_of, upto};
use pchsim::measure::Estimate;
use pchsim::quantity::Quantity;
use pchsim::result::{Status, Sweep, Tier};
use pchsim::strategy::Cause;

fn cores(n: u32) -> pchsim::study::sweep::PlanAxis {
    numbers("machine.cores", "cores", &upto(n))
}

fn rate(n: u32) -> pchsim::study::sweep::PlanAxis {
    numbers("workload.arrivals.rate", "rate", &upto(n))
}

fn codes(sweep: &Sweep) -> Vec<&'static str> {
    insights(sweep).iter().map(Insight::code).collect()
}

fn find<'a>(all: &'a [Insight], code: &str) -> Option<&'a Insight> {
    all.iter().find(|i| i.code() == code)
}

#[test]
fn a_time_that_halves_up_to_eight_cores_stops_paying_there() {
    for axis in [cores(16), numbers("machine.cores", "cores", &doubled(6))] {
        let all = insights(&curves(axis, MAKESPAN, &[("p", &|c| 80.0 / c.min(8.0))]));
        let Some(Insight::StopsPaying { at, .. }) = find(&all, "stops-paying") else {
            panic!("{all:?}")
        };
        assert_eq!(at.number, Some(8.0));
        // The knee is there, too, and is not told twice.
        assert!(find(&all, "knee").is_none());
        // The best point is somewhere behind it; eight cores are as good.
        assert!(find(&all, "retrograde").is_none());
    }
}

#[test]
fn ideal_scaling_has_no_knee_and_still_pays() {
    let all = insights(&curves(cores(16), MAKESPAN, &[("p", &|c| 80.0 / c)]));
    assert!(find(&all, "knee").is_none(), "{all:?}");
    assert!(find(&all, "stops-paying").is_none());
    let Some(Insight::StillPays { gain, .. }) = find(&all, "still-pays") else {
        panic!("{all:?}")
    };
    assert!((gain - 1.0 / 16.0).abs() < 1e-9);
}

#[test]
fn the_throughput_of_a_queue_with_c_servers_levels_off_at_the_load() {
    // Erlang B: what is served of 6 erlangs offered to c servers.
    let carried = |c: f64| {
        let mut blocked = 1.0;
        let mut n = 1.0;
        while n <= c {
            blocked = 6.0 * blocked / (n + 6.0 * blocked);
            n += 1.0;
        }
        6.0 * (1.0 - blocked)
    };
    let throughput = Metric::Throughput;
    let all = insights(&curves(
        numbers("strategy.workers", "workers", &upto(20)),
        throughput,
        &[("threads", &carried)],
    ));
    let Some(Insight::Knee { at, .. }) = find(&all, "knee") else {
        panic!("{all:?}")
    };
    // The last server that adds more than the mean of all (0.27), by Erlang's table.
    assert_eq!(at.number, Some(9.0));
    let Some(Insight::StopsPaying { at, .. }) = find(&all, "stops-paying") else {
        panic!("{all:?}")
    };
    // Ten carry 5.74 of the 5.99 erlangs that twenty carry, 4.3 % less: with the intervals that may still be 5 %. Eleven do not.
    assert_eq!(at.number, Some(11.0));
}

#[test]
fn latency_takes_off_before_the_queue_is_full() {
    let axis = numbers(
        "workload.arrivals.rate",
        "rate",
        &(1..20).map(|i| f64::from(i) * 5.0).collect::<Vec<_>>(),
    );
    let all = insights(&curves(
        axis,
        P95,
        &[("threads", &|r| 0.01 / (1.0 - r / 100.0))],
    ));
    let Some(Insight::Knee { at, value, .. }) = find(&all, "knee") else {
        panic!("{all:?}")
    };
    assert!((75.0..=85.0).contains(&at.number.unwrap()), "{at:?}");
    assert!(value.is_some());
    // More load is not more of a resource.
    assert!(!codes(&curves(rate(9), P95, &[("t", &|r| 0.01 * r)])).contains(&"retrograde"));
}

#[test]
fn lines_that_cross_do_so_between_the_values() {
    let sweep = curves(
        cores(10),
        MAKESPAN,
        &[("a", &|c| 5.0 + c), ("b", &|c| 16.0 - c)],
    );
    let all = insights(&sweep);
    let Some(Insight::CrossOver {
        before,
        after,
        between,
        about,
        ..
    }) = find(&all, "cross-over")
    else {
        panic!("{all:?}")
    };
    assert_eq!((before.as_str(), after.as_str()), ("a", "b"));
    assert_eq!((between.0.number, between.1.number), (Some(5.0), Some(6.0)));
    assert!((about - 5.5).abs() < 1e-9, "{about}");
    assert!(find(&all, "best-throughout").is_none());
}

#[test]
fn lines_that_touch_within_their_intervals_do_not_cross() {
    // They swap places at every value, by less than the intervals' width.
    let sweep = curves(
        cores(10),
        MAKESPAN,
        &[("a", &|c| 10.0 + 0.01 * (c % 2.0)), ("b", &|_| 10.005)],
    );
    let all = insights(&sweep);
    assert!(find(&all, "cross-over").is_none(), "{all:?}");
    let Some(Insight::BestThroughout { tied: true, .. }) = find(&all, "best-throughout") else {
        panic!("{all:?}")
    };
}

#[test]
fn what_gets_worse_is_not_said_to_stop_paying() {
    let sweep = curves(
        cores(12),
        MAKESPAN,
        &[("a", &|c| 10.0 / c.min(4.0) + (c - 4.0).max(0.0))],
    );
    let all = insights(&sweep);
    let Some(Insight::Retrograde { best, last, .. }) = find(&all, "retrograde") else {
        panic!("{all:?}")
    };
    assert_eq!((best.0.number, last.0.number), (Some(4.0), Some(12.0)));
    assert!(find(&all, "stops-paying").is_none());
}

#[test]
fn as_good_for_less_is_within_the_intervals_of_the_best() {
    let sweep = curves(
        cores(8),
        MAKESPAN,
        &[("a", &|c| 10.0 / c.min(4.0) - 0.001 * c)],
    );
    let all = insights(&sweep);
    let Some(Insight::Best { at, .. }) = find(&all, "best") else {
        panic!("{all:?}")
    };
    assert_eq!(at[0].number, Some(8.0));
    let Some(Insight::AsGoodForLess { at, .. }) = find(&all, "as-good-for-less") else {
        panic!("{all:?}")
    };
    assert_eq!(at.number, Some(4.0));
}

#[test]
fn where_there_are_no_numbers_is_said_by_extent() {
    let plan = grid(vec![rate(6)]);
    let sweep = sweep_of(&plan, P95, Some(0.35), |p| {
        let r = p.index[0] as f64 + 1.0;
        let of = |name: &str, reached| (name.to_owned(), "cpython-3.14".to_owned(), reached);
        let until = |limit: f64| {
            if r < limit {
                Ok((0.1 * r, 0.001))
            } else {
                Err(Status::Saturated)
            }
        };
        vec![
            of("a", until(4.0)),
            of("b", until(4.0)),
            of("c", until(9.0)),
            of("d", Err(Status::OutOfMemory)),
        ]
    });
    let all = insights(&sweep);
    let fails: Vec<String> = all
        .iter()
        .filter(|i| i.code() == "fails")
        .map(Insight::text)
        .collect();
    assert_eq!(
        fails,
        [
            "a and b are saturated from rate = 4 on.",
            "d runs out of memory at every point."
        ]
    );
    let met: Vec<String> = all
        .iter()
        .filter(|i| i.code() == "objectives")
        .map(Insight::text)
        .collect();
    assert_eq!(
        met,
        [
            "c, a and b meet all objectives up to rate = 3.",
            "d meets all objectives at no point."
        ]
    );
}

#[test]
fn a_single_replication_proves_nothing() {
    let mut sweep = curves(
        cores(8),
        MAKESPAN,
        &[("a", &|c| 9.0 / c.min(3.0)), ("b", &|c| 2.0 + c)],
    );
    for row in &mut sweep.rows {
        let value = &mut row.case.ranked.value;
        *value = value.map(|e| e.with_half(None));
    }
    assert!(
        codes(&sweep)
            .iter()
            .all(|c| ["best", "best-throughout"].contains(c)),
        "{:?}",
        codes(&sweep)
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn constant_curves_have_neither_knees_nor_crossings(
        level in 0.001f64..1e4,
        noise in proptest::collection::vec(-0.004f64..0.004, 24),
    ) {
        let at = |c: f64, k: usize| noise[(c as usize * 2 + k) % 24];
        let a = |c: f64| level * (1.0 + at(c, 0));
        let b = |c: f64| level * (1.0 + at(c, 1));
        let found = codes(&curves(cores(12), MAKESPAN, &[("a", &a), ("b", &b)]));
        for code in ["knee", "cross-over", "retrograde", "still-pays"] {
            prop_assert!(!found.contains(&code), "{found:?}");
        }
    }

    #[test]
    fn texts_are_sentences(
        levels in proptest::collection::vec(0.001f64..1e3, 16),
    ) {
        let a = |c: f64| levels[c as usize % 16];
        let b = |c: f64| levels[(c as usize + 7) % 16];
        for insight in insights(&curves(cores(9), MAKESPAN, &[("a", &a), ("b", &b)])) {
            let text = insight.text();
            prop_assert!(text.ends_with('.') && !text.contains('\n'), "{text}");
        }
    }
}

/// What a case of a sweep made by hand reaches: name, value, or that nothing is.
fn reached(name: &str, value: Option<f64>) -> super::made::Made {
    let reached = value.map_or(Err(Status::OutOfMemory), |v| Ok((v, 0.01 * v)));
    (name.to_owned(), "cpython-3.14".to_owned(), reached)
}

fn texts(sweep: &Sweep) -> Vec<String> {
    insights(sweep).iter().map(Insight::text).collect()
}

#[test]
fn a_seed_is_not_chosen() {
    let plan = grid(vec![numbers("seed", "seed", &upto(4))]);
    let sweep = sweep_of(&plan, MAKESPAN, None, |p| {
        let i = p.index[0] as f64;
        vec![
            reached("a", Some(10.0 + i)),
            reached("b", Some(12.6 - 0.1 * i)),
        ]
    });
    assert_eq!(
        texts(&sweep),
        [
            "a is best at 3 of 4 seeds; makespan 10.0 s to 13.0 s.",
            "b is best at 1 of 4 seeds; makespan 12.3 s to 12.6 s.",
        ]
    );
    assert_eq!(pchsim::insight::best(&sweep), None);
}

#[test]
fn of_a_given_the_choice_that_is_right_is_named_and_no_value_of_it() {
    let plan = grid(vec![
        numbers("machine.cores", "cores", &[1.0, 2.0, 4.0]),
        numbers("workload.deadline", "deadline", &[1.0, 2.0]),
    ]);
    let sweep = sweep_of(&plan, MAKESPAN, None, |p| {
        let (c, d) = ([1.0, 2.0, 4.0][p.index[0]], p.index[1] as f64 + 1.0);
        vec![reached("a", Some(8.0 * d / c)), reached("b", Some(9.0 * d))]
    });
    assert_eq!(
        texts(&sweep)[0],
        "a at 4 cores is best at every value of deadline; makespan 2.00 s to 4.00 s."
    );
}

#[test]
fn places_of_axes_side_by_side_name_all_of_them() {
    let mut plan = grid(vec![
        numbers("machine.cores", "cores", &[1.0, 2.0, 4.0]),
        numbers("machine.memory", "memory", &[1.0, 2.0, 4.0]),
    ]);
    plan.zip = true;
    let case =
        |p: &pchsim::study::sweep::SweepPoint| reached("a", (p.index[0] == 2).then_some(1.0));
    let sweep = sweep_of(&plan, MAKESPAN, None, |p| vec![case(p)]);
    let said = texts(&sweep);
    assert!(
        said.contains(&"a runs out of memory up to 2 cores with memory = 2.".to_owned()),
        "{said:?}"
    );
}

#[test]
fn an_extent_is_told_along_the_axis_that_decides_it() {
    let plan = grid(vec![
        numbers("machine.cores", "cores", &[1.0, 2.0, 4.0]),
        numbers("machine.memory", "memory", &[1.0, 2.0, 4.0]),
    ]);
    let sweep = sweep_of(&plan, MAKESPAN, None, |p| {
        vec![reached("a", (p.index[1] > 0).then_some(1.0))]
    });
    let said = "a runs out of memory up to memory = 1.".to_owned();
    assert!(texts(&sweep).contains(&said), "{:?}", texts(&sweep));
    // Of an interrupted one there may be points at which both axes tell the same; then neither is said to decide it.
    let mut rest = sweep;
    rest.rows.retain(|r| r.index[0] == r.index[1]);
    let said = "a runs out of memory at 1 of 3 points.".to_owned();
    assert!(texts(&rest).contains(&said), "{:?}", texts(&rest));
}

/// `made`, with other shares of a task's time.
fn with_causes(mut sweep: Sweep, causes: &[(&str, f64)]) -> Sweep {
    for row in &mut sweep.rows {
        row.case.causes = Cause::ALL.map(|c| {
            let named = causes.iter().find(|(name, _)| *name == c.name());
            named.map_or(0.0, |(_, share)| *share)
        });
    }
    sweep
}

#[test]
fn more_is_advised_only_where_tasks_wait_for_it() {
    let workers = || numbers("workers", "workers", &[10.0, 20.0, 40.0]);
    let made = || curves(workers(), Metric::MeanLatency, &[("a", &|w| 40.0 / w)]);
    let waiting = with_causes(made(), &[("pool", 0.6), ("io", 0.4)]);
    assert!(
        texts(&waiting).contains(
            &"a still gains at the end: 50% better at 40 workers than at 20 workers. 60% of a task's time still \
              goes into waiting for a worker at 40 workers: more may help."
                .to_owned()
        ),
        "{:?}",
        texts(&waiting)
    );
    // All of a task's time is its own, or waits for what no worker gives.
    for causes in [[("io", 1.0), ("pool", 0.0)], [("io", 0.5), ("core", 0.5)]] {
        let done = with_causes(made(), &causes);
        assert!(
            texts(&done).contains(
                &"a gains up to the end: it is 50% better at 40 workers than at 20 workers."
                    .to_owned()
            ),
            "{:?}",
            texts(&done)
        );
    }
}

/// An axis of workers does not touch asyncio. Its figures differ all the same, by the replications that the others made it do.
#[test]
fn nothing_is_said_of_what_the_axis_does_not_touch() {
    let untouched = |w: f64| 10.0 + 0.001 * w;
    let over = |path| {
        let sweep = curves(
            numbers(path, path, &[1.0, 2.0, 4.0, 8.0]),
            MAKESPAN,
            &[("asyncio", &untouched), ("threads", &|w| 40.0 / w)],
        );
        let all = insights(&sweep);
        let cases = all.iter().filter_map(|i| match i {
            Insight::StopsPaying { cases, .. } => Some(cases.clone()),
            _ => None,
        });
        cases.flatten().any(|c| c == "asyncio")
    };
    assert!(!over("workers"));
    // More cores are there for every strategy: that it gains nothing is worth a sentence.
    assert!(over("machine.cores"));
}

#[test]
fn a_share_of_the_mean_does_not_bound_a_percentile() {
    // Nearly all of the waiting would have to be that of the slowest, and even then the 95th percentile could not fall: half of
    // the tasks are as slow as that.
    let mut sweep = with_causes(
        curves(
            numbers("workers", "workers", &[10.0, 20.0, 40.0]),
            P95,
            &[("a", &|w| 40.0 / w)],
        ),
        &[("pool", 0.06), ("io", 0.94)],
    );
    let advised = |s: &Sweep| texts(s).iter().any(|t| t.contains("more may help"));
    for row in &mut sweep.rows {
        let p95 = row.case.primary().unwrap();
        for q in [Quantity::P50, Quantity::P90, Quantity::LatencyMean] {
            row.case.values[q as usize] = Some(p95);
        }
    }
    // p95 >= p50 - 0.06 * mean / 0.45, with all three the same: at most 13% are left, which is still a gain.
    assert!(advised(&sweep));
    for row in &mut sweep.rows {
        let mean = &mut row.case.values[Quantity::LatencyMean as usize];
        *mean = mean.map(|e| e.around(e.mean * 0.3));
    }
    assert!(!advised(&sweep));
}

#[test]
fn what_fails_more_is_neither_best_nor_better_up_to_anything() {
    let mut sweep = curves(
        cores(4),
        MAKESPAN,
        &[("a", &|c| 10.0 - c), ("b", &|c| 3.0 + c)],
    );
    for row in &mut sweep.rows {
        let fails = if row.case.strategy == "b" { 0.9 } else { 0.0 };
        let share = Estimate::new(fails, Some(0.0), fails, 10);
        row.case.values[Quantity::FailureRate as usize] = Some(share);
        if fails > 0.0 {
            row.case.tier = Tier::Fails;
        }
    }
    let said = texts(&sweep);
    assert_eq!(
        said[0],
        "Best of all: a at 4 cores, makespan 6.00 ± 0.06 s; none of its tasks fail."
    );
    assert!(
        said[1].starts_with("By makespan alone b at 1 core would be best (4.00 ± 0.04 s), but 90"),
        "{said:?}"
    );
    assert!(
        said[1].ends_with("makespan of a is 50% higher."),
        "{said:?}"
    );
    assert!(!codes(&sweep).contains(&"cross-over"));
}

#[test]
fn warnings_name_values() {
    let plan = grid(vec![
        numbers("machine.cores", "cores", &[1.0, 2.0]),
        numbers("workload.arrivals.rate", "rate", &[100.0, 200.0, 400.0]),
    ]);
    let mut sweep = sweep_of(&plan, MAKESPAN, None, |_| vec![reached("a", Some(1.0))]);
    let mut warned = |at: &dyn Fn(&[usize]) -> bool| {
        for row in &mut sweep.rows {
            row.warnings.clear();
            if at(&row.index) {
                row.warnings.push("failures-differ".into());
            }
        }
        let text = pchsim::report::sweep::text(&sweep, pchsim::layout::Style::default());
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    for (at, said) in [
        (
            &(|i: &[usize]| i[1] == 2) as &dyn Fn(&[usize]) -> bool,
            "(at 2 of 6 points: rate = 400)",
        ),
        (&|i: &[usize]| i == [1, 0], "(at cores = 2, rate = 100)"),
        (
            &|i: &[usize]| i[0] + i[1] == 1,
            "(at 2 of 6 points: cores = 1, rate = 200; cores = 2, rate = 100)",
        ),
        (&|_: &[usize]| true, "(at every point)"),
    ] {
        let text = warned(at);
        assert!(text.contains(said), "{text}");
        assert!(
            text.contains("fail different shares of their tasks"),
            "{text}"
        );
    }
}

#[test]
fn a_leader_by_its_objectives_hides_no_later_crossing() {
    // At one core nothing meets the objective and "c" is nearest; then "b" leads until "a" overtakes it.
    let plan = grid(vec![cores(6)]);
    let sweep = sweep_of(&plan, MAKESPAN, Some(40.0), |p| {
        let c = p.index[0] as f64 + 1.0;
        vec![
            reached("a", Some(56.0 / c)),
            reached("b", Some(51.0 / c.min(3.0))),
            reached("c", Some(50.8)),
        ]
    });
    let said = "b is better up to 3 cores, a from 4 cores on.".to_owned();
    assert!(texts(&sweep).contains(&said), "{:?}", texts(&sweep));
}
