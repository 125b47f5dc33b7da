//! Every body, on the inputs that a fuzzer starts from, whole, cut off and damaged.

use archwright_fuzz_bodies::{TARGETS, run};

#[test]
fn every_body_takes_its_seeds_and_what_becomes_of_them() {
    for target in TARGETS {
        let seeds = (target.seeds)();
        assert!(!seeds.is_empty(), "{}", target.name);
        for seed in seeds {
            run(target.name, &seed);
            for part in 1..6 {
                let at = seed.len() * part / 6;
                run(target.name, &seed[..at]);
                let mut damaged = seed.clone();
                if let Some(byte) = damaged.get_mut(at) {
                    *byte ^= 1 << part;
                    run(target.name, &damaged);
                }
            }
        }
        run(target.name, &[]);
    }
}

/// Each has a program for the fuzzer, and there are no others.
#[test]
fn every_body_is_fuzzed() {
    let manifest = include_str!("../../Cargo.toml");
    let programs = manifest.lines().filter_map(|line| line.strip_prefix("path = \"fuzz_targets/"));
    let mut programs: Vec<_> = programs.filter_map(|path| path.strip_suffix(".rs\"")).collect();
    programs.sort_unstable();
    let mut names: Vec<_> = TARGETS.iter().map(|target| target.name).collect();
    names.sort_unstable();
    assert_eq!(programs, names);
}
