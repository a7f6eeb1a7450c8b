//! Trial.
use pchsim::cpython::profile::Profile;
use pchsim::engine::Nanos;
use pchsim::scenario::*;
use pchsim::strategy::*;
fn main() {
    let mut wl = Workload { arrivals: Arrivals::Batch, classes: vec![TaskClass{name:"t".into(),count:100,weight:1.0,interleave:false,steps:vec![Step::Io(Dist::Constant(Nanos::from_millis(50))),Step::Cpu(Dist::Constant(Nanos::from_millis(25)))]}],
        locks: vec![], queues: vec![], objects: vec![], imports: Imports::default(), untouched_payload:false, dispatch: Nanos(3000), cpu_grain: Nanos(0), native_grain: Nanos(0) };
    let mut m = MachineSpec::with_cores(2); m.hz=0;
    let mut p = Profile::default(); p.params.interp_create=25e6; p.params.interp_import=25e6;
    let mut ft = p.clone(); ft.gil=false; ft.params.cpu_factor=1.07;
    let open = std::env::args().nth(1).is_some();
    if open { let n: u64 = std::env::args().nth(1).unwrap().parse().unwrap();
      wl.classes[0].steps = vec![Step::Io(Dist::Exponential(Nanos::from_millis(20))),Step::Cpu(Dist::Constant(Nanos::from_micros(500)))];
      wl.arrivals = Arrivals::Open{interval:Dist::Exponential(Nanos::from_micros(700)),count:Some(n)}; }
    let w = Workers::Exactly(4);
    let list: Vec<(&str,Strategy,&Profile)> = vec![
        ("seq",Strategy::Sequential,&p),("thr4",Strategy::Threads(w),&p),("thr4 ft",Strategy::Threads(w),&ft),("raw",Strategy::Threads(Workers::PerTask),&p),
        ("fork",Strategy::Processes{workers:w,start:StartMethod::Fork,api:ProcessApi::Executor},&p),
        ("spawn",Strategy::Processes{workers:w,start:StartMethod::Spawn,api:ProcessApi::Executor},&p),
        ("fs",Strategy::Processes{workers:w,start:StartMethod::Forkserver,api:ProcessApi::Executor},&p),
        ("mp",Strategy::Processes{workers:w,start:StartMethod::Fork,api:ProcessApi::Pool{chunksize:None}},&p),
        ("interp",Strategy::Interpreters(w),&p),
        ("aio",Strategy::Asyncio{limit:None,offload:Offload::None},&p),
        ("aio lim",Strategy::Asyncio{limit:Some(10),offload:Offload::None},&p),
        ("aio thr",Strategy::Asyncio{limit:None,offload:Offload::Threads(w)},&p),
        ("aio thr ft",Strategy::Asyncio{limit:None,offload:Offload::Threads(w)},&ft),
        ("aio fork",Strategy::Asyncio{limit:None,offload:Offload::Processes(w,StartMethod::Fork)},&p),
        ("aio int",Strategy::Asyncio{limit:None,offload:Offload::Interpreters(w)},&p),
        ("prefork aio",Strategy::Prefork{processes:4,each:Box::new(Strategy::Asyncio{limit:None,offload:Offload::None})},&p),
    ];
    for (n,s,p) in &list {
        if let Some(f)=std::env::args().nth(2) { if f != *n { continue } }
        let t0=std::time::Instant::now();
        let o = simulate(&SimInput{machine:&m,profile:p,workload:&wl,strategy:s,seed:1,replication:0,warmup:Nanos(0),horizon:None,keep_latencies:!open,max_events:u64::MAX}).unwrap();
        let el=t0.elapsed().as_secs_f64();
        let mut l=o.latencies.clone(); l.sort(); if std::env::var("L").is_ok() { println!("{:?}", l.iter().map(|x| x.as_secs_f64()).collect::<Vec<_>>()); }
        let sum: u64=o.causes.iter().map(|c|c.0).sum(); let ls:u64=l.iter().map(|c|c.0).sum();
        println!("{n:12} mk {:.4} closed {:.4} done {} fl {} p50 {:.4} cpu {:.4} mem {:.1} ev {} cal {} sw {:?} {:.2}Mev/s {:.0}k tasks/s causes ratio {:.4} {:?} {:?}",o.makespan.as_secs_f64(),o.closed.as_secs_f64(),o.completed,o.in_flight,l.get(l.len()/2).map_or(0.0,|x|x.as_secs_f64()),o.cpu.as_secs_f64(),o.memory_peak as f64/1048576.0,o.events,o.calendar_events,(o.switches_voluntary,o.switches_involuntary),o.events as f64/el/1e6,o.completed as f64/el/1e3,sum as f64/ls.max(1) as f64,o.causes.iter().map(|c|(c.as_f64()/sum as f64*100.0).round()).collect::<Vec<_>>(),o.findings);
    }
}
