//! Memory of processes: a ledger for each, and which pages forked processes share.
//!
//! A process has private memory, and belongs to a *family*: a process that was started afresh, and all that were forked from it and from
//! each other. A family shares one image, counted once as long as any member lives. Of the image, the pages that hold Python objects are
//! written by merely looking at the objects, and a process that writes a page which others still map gets a copy of its own:
//!
//! - a full collection writes the header of every container: the *header pages*, all of them, the first time;
//! - walking objects writes reference counts: the header pages and the *other pages* of what is walked, a share of each, always the
//!   same objects from the first on. So what a process has written of each kind is a prefix, and the kinds do not overlap.
//!
//! Of a page that all living members have written, there is one copy less than writers: the last writer finds no other that maps the
//! original, and writes in place. Hence a family's pages are its image, plus what each member has written, less what all of them have.
//!
//! What a child allocates itself is private. Where its heaps grow before anything is reused, what it allocates is *fresh*, up to a limit:
//! fresh memory stays until the process ends, and is never more than the process has allocated.
//!
//! One simplification: if a process forks after it has itself written inherited pages, its copies pass to the child and are taken for the
//! image's. No program of the model does that, because processes that fork run no tasks.

use typed_index_collections::TiVec;

use crate::cpython::index::ProcessIndex;

/// Bytes of pages that hold objects, by what writes them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Pages {
    /// Pages with the headers of containers: written by a collection, and by walking the objects.
    pub(crate) headers: u64,
    /// Pages with other objects: written only by walking the objects.
    pub(crate) others: u64,
}

impl Pages {
    /// The pages of so many bytes of objects, given the shares (0 to 1) that a collection and a full walk write.
    pub(crate) fn of(objects: u64, collect: f64, walk: f64) -> Self {
        let headers = share_of(objects, collect);
        Self {
            headers,
            others: share_of(objects, walk).saturating_sub(headers),
        }
    }

    fn share(self, share: f64) -> Self {
        Self {
            headers: share_of(self.headers, share),
            others: share_of(self.others, share),
        }
    }

    fn union(self, other: Self) -> Self {
        Self {
            headers: self.headers.max(other.headers),
            others: self.others.max(other.others),
        }
    }

    fn common(self, other: Self) -> Self {
        Self {
            headers: self.headers.min(other.headers),
            others: self.others.min(other.others),
        }
    }

    fn all(self) -> u64 {
        self.headers + self.others
    }
}

/// A share, from 0 to 1, of so many bytes, rounded.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "memory is far below 2^53 bytes, and a share of it is no more"
)]
fn share_of(bytes: u64, share: f64) -> u64 {
    ((bytes as f64 * share.clamp(0.0, 1.0)).round() as u64).min(bytes)
}

/// The memory of one process, in bytes.
#[derive(Clone, Copy, Debug)]
struct Ledger {
    private: u64,
    /// Part of the private memory by which its heaps have grown, and which they keep.
    fresh: u64,
    /// Whether it was forked, and so began with the pages of another process.
    forked: bool,
    family: u32,
    /// Pages of the family that it has written.
    written: Pages,
    /// Greatest share (0 to 1) of the objects that it has walked.
    walked: f64,
    alive: bool,
}

/// Processes that share an image; sizes in bytes.
#[derive(Clone, Debug, Default)]
struct ImageFamily {
    image: u64,
    /// Pages of the image that are written by looking at objects.
    pages: Pages,
    /// The living members.
    members: Vec<ProcessIndex>,
    /// Sum of what the members have written.
    written: u64,
    /// What every member has written.
    by_all: Pages,
}

impl ImageFamily {
    /// Bytes of copies beside the image.
    fn copies(&self) -> u64 {
        self.written - self.by_all.all()
    }
}

/// The ledgers of all processes of a run, and their sum.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ledgers {
    processes: TiVec<ProcessIndex, Ledger>,
    families: Vec<ImageFamily>,
    resident: u64,
}

impl Ledgers {
    /// Adds a process that inherits nothing. Its children will share `image` bytes, of which `pages` hold objects.
    pub(crate) fn start(&mut self, image: u64, pages: Pages) -> ProcessIndex {
        let family = u32::try_from(self.families.len()).expect("few processes");
        let process = self.new_process(family);
        self.families.push(ImageFamily {
            image,
            pages,
            members: vec![process],
            ..ImageFamily::default()
        });
        self.resident = self.resident.saturating_add(image);
        process
    }

    /// Adds a child that `parent` has forked.
    pub(crate) fn fork(&mut self, parent: ProcessIndex) -> ProcessIndex {
        let family = self.processes[parent].family;
        let process = self.new_process(family);
        self.processes[process].forked = true;
        self.join(process, family);
        process
    }

    /// Makes a process that has done nothing yet a forked child of `parent`.
    pub(crate) fn forked_from(&mut self, process: ProcessIndex, parent: ProcessIndex) {
        debug_assert_eq!(self.processes[process].written, Pages::default());
        let family = self.processes[parent].family;
        self.leave(process);
        let p = &mut self.processes[process];
        (p.family, p.forked) = (family, true);
        self.join(process, family);
    }

    fn new_process(&mut self, family: u32) -> ProcessIndex {
        self.processes.push_and_get_key(Ledger {
            private: 0,
            fresh: 0,
            forked: false,
            family,
            written: Pages::default(),
            walked: 0.0,
            alive: true,
        })
    }

    fn join(&mut self, process: ProcessIndex, family: u32) {
        let f = &mut self.families[family as usize];
        let before = f.copies();
        f.members.push(process);
        // The new member has not written the shared pages, so nobody writes them in place any more.
        f.by_all = Pages::default();
        let more = f.copies() - before;
        self.resident = self.resident.saturating_add(more);
    }

    fn leave(&mut self, process: ProcessIndex) {
        let Ledger {
            family, written, ..
        } = self.processes[process];
        let f = &mut self.families[family as usize];
        let before = f.image.saturating_add(f.copies());
        f.members.retain(|&m| m != process);
        f.written -= written.all();
        if f.members.is_empty() {
            f.image = 0;
            f.pages = Pages::default();
        }
        self.count_common(family);
        let f = &self.families[family as usize];
        let after = f.image.saturating_add(f.copies());
        self.resident = self.resident.saturating_sub(before).saturating_add(after);
    }

    fn count_common(&mut self, family: u32) {
        let f = &mut self.families[family as usize];
        let written = f.members.iter().map(|&m| self.processes[m].written);
        f.by_all = written.reduce(Pages::common).unwrap_or_default();
    }

    /// Adds private memory to a process.
    #[inline]
    pub(crate) fn take(&mut self, process: ProcessIndex, bytes: u64) {
        let p = &mut self.processes[process];
        p.private = p.private.saturating_add(bytes);
        self.resident = self.resident.saturating_add(bytes);
    }

    /// Returns private memory of a process, as far as it has so much; whether it had. A process that has ended has already returned all.
    #[inline]
    pub(crate) fn give(&mut self, process: ProcessIndex, bytes: u64) -> bool {
        let p = &mut self.processes[process];
        if !p.alive {
            return true;
        }
        let given = bytes.min(p.private);
        p.private -= given;
        self.resident = self.resident.saturating_sub(given);
        given == bytes
    }

    /// Notes that the process allocates so many bytes of objects. While the heaps of a forked process have grown by less than `most`, the
    /// bytes come from fresh memory, which the process keeps. Returns the number of fresh bytes.
    pub(crate) fn grow(&mut self, process: ProcessIndex, bytes: u64, most: u64) -> u64 {
        let p = &mut self.processes[process];
        if !p.alive || !p.forked {
            return 0;
        }
        let fresh = bytes.min(most.saturating_sub(p.fresh));
        p.fresh += fresh;
        self.take(process, fresh);
        fresh
    }

    /// Collects the whole heap of a process. Returns the bytes of pages that are copied for it.
    pub(crate) fn collect(&mut self, process: ProcessIndex) -> u64 {
        let pages = self.family(process).pages;
        self.write(
            process,
            Pages {
                headers: pages.headers,
                others: 0,
            },
        )
    }

    /// Walks the first `share` (0 to 1) of the objects. Returns the bytes of pages that are copied for the process.
    pub(crate) fn walk(&mut self, process: ProcessIndex, share: f64) -> u64 {
        if !self.walks_more(process, share) {
            return 0;
        }
        self.processes[process].walked = share;
        let pages = self.family(process).pages.share(share);
        self.write(process, pages)
    }

    /// Whether `share` is more than the process has walked so far.
    #[inline]
    pub(crate) fn walks_more(&self, process: ProcessIndex, share: f64) -> bool {
        share > self.processes[process].walked
    }

    fn family(&self, process: ProcessIndex) -> &ImageFamily {
        &self.families[self.processes[process].family as usize]
    }

    fn write(&mut self, process: ProcessIndex, pages: Pages) -> u64 {
        let p = &mut self.processes[process];
        let (before, after) = (p.written, p.written.union(pages));
        if !p.alive || before == after {
            return 0;
        }
        p.written = after;
        let family = p.family;
        let f = &mut self.families[family as usize];
        let copies = f.copies();
        let more = after.all() - before.all();
        f.written += more;
        self.count_common(family);
        let copied = self.families[family as usize].copies() - copies;
        self.resident = self.resident.saturating_add(copied);
        copied
    }

    /// Ends a process and removes what belonged to it alone.
    pub(crate) fn exit(&mut self, process: ProcessIndex) {
        let p = &mut self.processes[process];
        if !std::mem::replace(&mut p.alive, false) {
            return;
        }
        let private = std::mem::take(&mut p.private);
        self.resident = self.resident.saturating_sub(private);
        self.leave(process);
        self.processes[process].written = Pages::default();
    }

    /// Bytes of all pages of all processes, each page once.
    #[inline]
    pub(crate) fn resident(&self) -> u64 {
        self.resident
    }

    /// The share of a process in the sum of all: its private memory, its copies of shared pages and, for the first living member of a
    /// family, the pages that the family shares. Over all processes this adds up to [`Self::resident`].
    pub(crate) fn own(&self, process: ProcessIndex) -> u64 {
        let p = &self.processes[process];
        let family = self.family(process);
        let own = p.private.saturating_add(p.written.all());
        if p.alive && family.members.first() == Some(&process) {
            own.saturating_add(family.image) - family.by_all.all()
        } else {
            own
        }
    }

    /// Bytes that a process maps, shared or not; a fork has to copy the page tables of these.
    pub(crate) fn mapped(&self, process: ProcessIndex) -> u64 {
        let private = self.processes[process].private;
        private.saturating_add(self.family(process).image)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PAGES: Pages = Pages {
        headers: 400,
        others: 300,
    };

    #[test]
    fn children_share_until_they_write() {
        let mut l = Ledgers::default();
        let parent = l.start(1_000, PAGES);
        let (a, b) = (l.fork(parent), l.fork(parent));
        l.take(a, 5);
        assert_eq!(
            (l.resident(), l.mapped(a), l.mapped(b)),
            (1_005, 1_005, 1_000)
        );
        assert_eq!(l.collect(a), 400);
        assert_eq!(l.collect(a), 0, "once");
        assert_eq!(l.walk(b, 0.5), 350);
        assert_eq!(l.resident(), 1_005 + 400 + 350);
        // A walk writes the union of both kinds; the headers have been copied already.
        assert_eq!(l.walk(a, 0.5), 150);
        assert_eq!(l.collect(b), 200);
        l.exit(a);
        assert_eq!(l.resident(), 1_000 + 550);
        l.exit(a);
        l.give(a, 5);
        l.exit(b);
        assert_eq!(l.resident(), 1_000);
    }

    #[test]
    fn the_last_to_write_writes_in_place() {
        let mut l = Ledgers::default();
        let parent = l.start(1_000, PAGES);
        assert_eq!(l.collect(parent), 0, "nobody else maps its pages");
        let mut l = Ledgers::default();
        let parent = l.start(1_000, PAGES);
        let child = l.fork(parent);
        assert_eq!(l.collect(child), 400);
        assert_eq!(l.collect(parent), 0);
        assert_eq!(l.resident(), 1_400);
        l.exit(parent);
        assert_eq!(l.resident(), 1_000);
        l.exit(child);
        assert_eq!(l.resident(), 0);
    }

    #[test]
    fn who_inherits_nothing_copies_nothing() {
        let mut l = Ledgers::default();
        let server = l.start(0, Pages::default());
        let spawned = l.start(0, Pages::default());
        l.take(server, 70);
        l.take(spawned, 30);
        assert_eq!((l.collect(spawned), l.walk(spawned, 1.0)), (0, 0));
        l.forked_from(spawned, server);
        assert_eq!((l.walk(spawned, 1.0), l.resident()), (0, 100));
        l.give(spawned, 30);
        assert_eq!(l.resident(), 70);
    }

    #[test]
    fn grandchildren_share_the_image_too() {
        let mut l = Ledgers::default();
        let master = l.start(1_000, PAGES);
        let copy = l.fork(master);
        let worker = l.fork(copy);
        assert_eq!(l.collect(worker), 400);
        l.exit(master);
        l.exit(copy);
        assert_eq!(l.resident(), 1_000, "the only one left has all to itself");
    }

    #[test]
    fn heaps_of_children_grow_by_what_they_make_up_to_a_limit() {
        let mut l = Ledgers::default();
        let parent = l.start(1_000, PAGES);
        let child = l.fork(parent);
        assert_eq!(l.grow(parent, 50, 100), 0, "it has inherited nothing");
        assert_eq!((l.grow(child, 70, 100), l.resident()), (70, 1_070));
        assert_eq!((l.grow(child, 70, 100), l.resident()), (30, 1_100));
        assert_eq!((l.grow(child, 70, 100), l.grow(child, 70, 50)), (0, 0));
        assert_eq!(l.own(child), 100);
        l.exit(child);
        assert_eq!((l.grow(child, 70, 200), l.resident()), (0, 1_000));
    }

    /// A naive model: processes map pages, and every page has a version.
    #[derive(Default)]
    struct Naive {
        next: u32,
        /// For each living process: the versions of its pages, and its private bytes.
        maps: Vec<Option<(Vec<u32>, u64)>>,
    }

    impl Naive {
        fn users(&self, version: u32) -> usize {
            let maps = self.maps.iter().flatten();
            maps.filter(|(pages, _)| pages.contains(&version)).count()
        }

        fn write(&mut self, process: usize, pages: impl Iterator<Item = usize>) -> u64 {
            let mut copied = 0;
            for page in pages {
                let Some(map) = &self.maps[process] else {
                    return 0;
                };
                if self.users(map.0[page]) > 1 {
                    self.next += 1;
                    copied += 1;
                    let version = self.next;
                    if let Some(map) = &mut self.maps[process] {
                        map.0[page] = version;
                    }
                }
            }
            copied
        }

        fn resident(&self) -> u64 {
            let mut all: Vec<u32> = self
                .maps
                .iter()
                .flatten()
                .flat_map(|m| m.0.clone())
                .collect();
            all.sort_unstable();
            all.dedup();
            all.len() as u64 + self.maps.iter().flatten().map(|m| m.1).sum::<u64>()
        }
    }

    #[derive(Clone, Debug)]
    enum Op {
        Fork(usize),
        Collect(usize),
        Walk(usize, f64),
        Take(usize, u64),
        Give(usize, u64),
        Exit(usize),
    }

    fn op() -> impl Strategy<Value = Op> {
        let who = 0..8_usize;
        prop_oneof![
            3 => who.clone().prop_map(Op::Fork),
            2 => who.clone().prop_map(Op::Collect),
            2 => (who.clone(), 0.0..=1.0_f64).prop_map(|(p, s)| Op::Walk(p, s)),
            1 => (who.clone(), 0..50_u64).prop_map(|(p, n)| Op::Take(p, n)),
            1 => (who.clone(), 0..50_u64).prop_map(|(p, n)| Op::Give(p, n)),
            1 => who.prop_map(Op::Exit),
        ]
    }

    proptest! {
        #[test]
        #[expect(clippy::cast_possible_truncation, reason = "a few dozen pages")]
        fn it_counts_as_pages_do(
            (headers, others, rest) in (0..12_u64, 0..12_u64, 0..5_u64),
            ops in proptest::collection::vec(op(), 0..60),
        ) {
            let pages = Pages { headers, others };
            let image = headers + others + rest;
            let mut l = Ledgers::default();
            l.start(image, pages);
            let mut naive = Naive::default();
            naive.maps.push(Some(((0..image as u32).collect(), 0)));
            naive.next = image as u32;
            let mut has_written = vec![false];
            for op in ops {
                let n = naive.maps.len();
                match op {
                    Op::Fork(p) => {
                        let p = p % n;
                        // Excluded by the simplification that the module's text names.
                        if has_written[p] || n == 8 {
                            continue;
                        }
                        let Some((map, _)) = naive.maps[p].clone() else { continue };
                        naive.maps.push(Some((map, 0)));
                        has_written.push(false);
                        l.fork(p.into());
                    }
                    Op::Collect(p) => {
                        let p = p % n;
                        has_written[p] = true;
                        prop_assert_eq!(l.collect(p.into()), naive.write(p, 0..headers as usize));
                    }
                    Op::Walk(p, share) => {
                        let p = p % n;
                        has_written[p] = true;
                        let w = pages.share(share);
                        let h = headers as usize;
                        let walked = (0..w.headers as usize).chain(h..h + w.others as usize);
                        prop_assert_eq!(l.walk(p.into(), share), naive.write(p, walked));
                    }
                    Op::Take(p, bytes) => {
                        let p = p % n;
                        if let Some(map) = &mut naive.maps[p] {
                            map.1 += bytes;
                            l.take(p.into(), bytes);
                        }
                    }
                    Op::Give(p, bytes) => {
                        let p = p % n;
                        if let Some(map) = &mut naive.maps[p] {
                            map.1 = map.1.saturating_sub(bytes);
                        }
                        l.give(p.into(), bytes);
                    }
                    Op::Exit(p) => {
                        let p = p % n;
                        naive.maps[p] = None;
                        l.exit(p.into());
                    }
                }
                prop_assert_eq!(l.resident(), naive.resident());
                let each = (0..naive.maps.len()).map(|p| l.own(p.into()));
                prop_assert_eq!(l.resident(), each.sum::<u64>());
            }
        }
    }
}
