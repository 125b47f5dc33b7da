//! Figures can be read by XML parsers, say what they show, and are the same each time.
#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

use archwright_compare::figure::{
    Axis, Curve, Differences, PlotError, RankCurve, Sample, anytime, average_rank, critical_difference_diagram,
    distribution, scatter,
};
use archwright_compare::{Band, Bootstrap, Shown, mean_curve, median_curve};
use proptest::prelude::*;
use roxmltree::Document;

/// Names that need escapes, are long, or are short.
const NAMES: [&str; 4] =
    ["a < b & \"c\"", "regularized-evolution with a name that goes on and on", "x", "\u{3b2}\u{1}-search"];

/// Checks what holds for each figure, and gives the texts in it.
fn checked(figure: &str, title: &str) -> String {
    let document = Document::parse(figure).unwrap();
    let root = document.root_element();
    assert_eq!((root.attribute("aria-label"), root.attribute("role")), (Some(title), Some("img")));
    assert!(root.attribute("width").is_none() && root.attribute("viewBox").is_some());
    assert!(!figure.contains("NaN") && !figure.contains("inf"), "{figure}");
    let [width, height] = {
        let size: Vec<f64> = root.attribute("viewBox").unwrap().split(' ').map(|one| one.parse().unwrap()).collect();
        [size[2], size[3]]
    };
    for node in document.descendants().filter(|node| node.is_element()) {
        // Colours are the style's alone.
        assert!(["fill", "stroke", "style", "opacity"].iter().all(|name| node.attribute(*name).is_none()), "{node:?}");
        for (name, most) in [("x", width), ("cx", width), ("y", height), ("cy", height)] {
            let inside = |value: &str| (0.0..=most).contains(&value.parse::<f64>().unwrap());
            assert!(node.attribute(name).is_none_or(inside), "{node:?}");
        }
    }
    let texts = |node: roxmltree::Node| node.text().map(str::to_owned);
    let kinds = ["text", "title", "desc"];
    document.descendants().filter(|node| kinds.iter().any(|kind| node.has_tag_name(*kind))).filter_map(texts).collect()
}

/// Names as XML can say them.
fn names() -> impl Iterator<Item = String> {
    NAMES.iter().map(|name| name.replace('\u{1}', ""))
}

fn runs(method: usize) -> Vec<Vec<f64>> {
    let run = |run: usize| (0..900).map(move |point| ((run * 7 + method) % 5) as f64 / (1.0 + point as f64) - 0.01);
    (0..10).map(|place| run(place).collect()).collect()
}

fn bands() -> Vec<Band> {
    (0..NAMES.len()).map(|method| mean_curve(&runs(method), &Bootstrap::default()).unwrap()).collect()
}

fn curves<'a>(positions: &'a [f64], bands: &'a [Band]) -> Vec<Curve<'a>> {
    NAMES.iter().zip(bands).map(|(name, band)| Curve { name, positions, band }).collect()
}

#[test]
fn anytime_curves_name_methods_and_runs_and_say_what_is_clipped() {
    let positions: Vec<f64> = (1..=900).map(f64::from).collect();
    let bands = bands();
    let curves = curves(&positions, &bands);
    let draw = || anytime("regret", &Axis::linear("queries"), &Axis::log("regret (%)"), &curves).unwrap();
    let (figure, texts) = (draw(), checked(&draw(), "regret"));
    assert_eq!(figure, draw());
    assert!(names().all(|name| texts.contains(&name)), "{texts}");
    for text in ["n\u{a0}=\u{a0}10 runs", "mean with 95 % interval", "queries", "regret (%)", "Values of 0 and below"] {
        assert!(texts.contains(text), "{text}: {texts}");
    }
    // At most 300 points a line; two lists make a band.
    let document = Document::parse(&figure).unwrap();
    let longest =
        document.descendants().filter_map(|node| node.attribute("points")).map(|path| path.matches(',').count()).max();
    assert!(longest.unwrap() <= 1200, "{longest:?}");
    let linear = anytime("regret", &Axis::linear("queries"), &Axis::linear("regret (%)"), &curves).unwrap();
    assert!(!checked(&linear, "regret").contains("Values of 0"));
}

#[test]
fn counts_that_differ_are_said_of_each_method() {
    let [few, many] = [3, 8].map(|count| median_curve(&runs(0)[..count]).unwrap());
    let positions: Vec<f64> = (0..900).map(f64::from).collect();
    let curves = [
        Curve { name: "few", positions: &positions, band: &few },
        Curve { name: "many", positions: &positions, band: &many },
    ];
    let texts = checked(&anytime("t", &Axis::log("queries"), &Axis::linear("regret"), &curves).unwrap(), "t");
    assert!(texts.contains("few (n = 3)") && texts.contains("many (n = 8)") && texts.contains("quartiles"), "{texts}");
}

#[test]
fn a_line_keeps_its_ends_and_steps() {
    let (positions, middle) = ([0.0, 1.0, 2.0, 3.0], vec![1.0, 1.0, 0.0, 0.0]);
    let band = Band { shown: Shown::Median, runs: 1, low: middle.clone(), high: middle.clone(), middle };
    let curve = Curve { name: "m", positions: &positions, band: &band };
    let figure = anytime("t", &Axis::linear("x"), &Axis::linear("y"), &[curve]).unwrap();
    let document = Document::parse(&figure).unwrap();
    let line = |node: &roxmltree::Node| node.attribute("class").is_some_and(|class| class.starts_with("line"));
    let path = document.descendants().find(line).unwrap().attribute("points").unwrap();
    // From the start to where it falls, to the end; there is no band about a single run.
    assert_eq!((path.matches(',').count(), figure.matches("<polygon").count()), (5, 0), "{path}");
}

#[test]
fn ranks_over_a_budget_name_methods_and_blocks() {
    let ranks: Vec<Vec<f64>> = (1..=4).map(|rank| vec![2.5, f64::from(rank)]).collect();
    let curves: Vec<RankCurve> = NAMES.iter().zip(&ranks).map(|(name, ranks)| RankCurve { name, ranks }).collect();
    let draw = || average_rank("ranks", &Axis::linear("cost (s)"), &[1.0, 5.0], &curves, 12).unwrap();
    let texts = checked(&draw(), "ranks");
    assert_eq!(draw(), draw());
    assert!(names().all(|name| texts.contains(&name)) && texts.contains("12 blocks") && texts.contains("cost (s)"));
}

#[test]
fn distributions_show_each_run() {
    let values: Vec<Vec<f64>> = (1..=4).map(|count| (0..count * 5).map(f64::from).collect()).collect();
    let samples: Vec<Sample> = NAMES.iter().zip(&values).map(|(name, values)| Sample { name, values }).collect();
    let draw = || distribution("finals", &Axis::linear("accuracy (%)"), &samples).unwrap();
    let (figure, texts) = (draw(), checked(&draw(), "finals"));
    assert_eq!((figure == draw(), figure.matches("<circle").count()), (true, 50));
    assert!(names().all(|name| texts.contains(&name)) && texts.contains("(n\u{a0}=\u{a0}20)"), "{texts}");
    let many: Vec<f64> = (0..1000).map(f64::from).collect();
    let figure = distribution("t", &Axis::log("v"), &[Sample { name: "m", values: &many }]).unwrap();
    assert!(checked(&figure, "t").contains("300 points") && figure.matches("<circle").count() == 300);
}

#[test]
fn critical_difference_diagrams_join_groups() {
    let groups = [vec![0, 1], vec![1, 2, 3]];
    let shown = Differences {
        names: &NAMES,
        mean_ranks: &[1.2, 2.0, 3.4, 3.4],
        groups: &groups,
        difference: Some(1.05),
        test: "Nemenyi, \u{3b1} = 0.05",
        blocks: 20,
    };
    let draw = || critical_difference_diagram("differences", &shown).unwrap();
    let (figure, texts) = (draw(), checked(&draw(), "differences"));
    assert_eq!((figure == draw(), figure.matches("class=\"bar\"").count()), (true, 2));
    assert!(names().all(|name| texts.contains(&name)) && texts.contains("20 blocks"), "{texts}");
    assert!(texts.contains("1.05") && texts.contains("Nemenyi") && texts.contains("3.40"), "{texts}");
    let wide = Differences { difference: Some(30.0), groups: &[], ..shown };
    assert!(checked(&critical_difference_diagram("t", &wide).unwrap(), "t").contains("All methods differ"));
    let alone = Differences { names: &["m"], mean_ranks: &[1.0], groups: &[], difference: None, ..shown };
    assert!(!checked(&critical_difference_diagram("t", &alone).unwrap(), "t").contains("differ "));
    for wrong in [
        Differences { mean_ranks: &[1.0], ..shown },
        Differences { mean_ranks: &[0.0, 1.0, 2.0, 3.0], ..shown },
        Differences { groups: &[vec![4]], ..shown },
    ] {
        assert!(matches!(critical_difference_diagram("t", &wrong), Err(PlotError::Shape { .. })));
    }
}

#[test]
fn scatters_have_a_point_for_each_pair() {
    let draw = || scatter("a < b", ["one & two", "three"], &[(0.1, 0.2), (0.5, 0.1), (0.9, 0.9)]).unwrap();
    let texts = checked(&draw(), "a < b");
    assert_eq!((draw().matches("<circle").count(), draw()), (3, draw()));
    assert!(texts.contains("one & two") && texts.contains("three") && texts.contains("n\u{a0}=\u{a0}3"), "{texts}");
    checked(&scatter("", ["", ""], &[(0.5, 0.5)]).unwrap(), "");
    assert_eq!(scatter("", ["", ""], &[]), Err(PlotError::Empty));
    assert_eq!(scatter("", ["x", "y"], &[(f64::NAN, 0.5)]), Err(PlotError::NotFinite { name: "x".into() }));
}

#[test]
fn what_cannot_be_drawn_is_an_error() {
    let (linear, log) = (Axis::linear("x"), Axis::log("y"));
    let shape = |name: &str| PlotError::Shape { name: name.into() };
    assert_eq!(anytime("t", &linear, &linear, &[]), Err(PlotError::Empty));
    assert_eq!(distribution("t", &linear, &[Sample { name: "m", values: &[] }]), Err(PlotError::Empty));
    let band = median_curve(&[vec![0.0, -1.0]]).unwrap();
    let curve = |positions: &'static [f64]| [Curve { name: "m", positions, band: &band }];
    assert_eq!(anytime("t", &linear, &linear, &curve(&[1.0])), Err(shape("m")));
    assert_eq!(anytime("t", &linear, &linear, &curve(&[2.0, 1.0])), Err(shape("m")));
    assert_eq!(anytime("t", &linear, &log, &curve(&[1.0, 2.0])), Err(PlotError::NothingPositive { axis: "y".into() }));
    let ranks = RankCurve { name: "m", ranks: &[1.0, f64::NAN] };
    assert_eq!(average_rank("t", &linear, &[1.0, 2.0], &[ranks], 1), Err(PlotError::NotFinite { name: "m".into() }));
}

proptest! {
    #[test]
    fn any_numbers_can_be_drawn(
        values in prop::collection::vec(any::<f64>().prop_filter("finite", |value| value.is_finite()), 1..20),
        name in any::<String>(),
        log in any::<bool>(),
    ) {
        let axis = if log { Axis::log("v") } else { Axis::linear("v") };
        let title: String = name.chars().filter(|letter| !letter.is_control()).collect();
        // Line ends and such are not kept as they are by parsers, and not by us.
        prop_assume!(title.chars().all(|letter| !['\u{fffe}', '\u{ffff}'].contains(&letter)));
        match distribution(&title, &axis, &[Sample { name: &name, values: &values }]) {
            Ok(figure) => drop(checked(&figure, &title)),
            Err(error) => prop_assert_eq!(error, PlotError::NothingPositive { axis: "v".into() }),
        }
        let pairs: Vec<(f64, f64)> = values.iter().map(|value| (*value, -value)).collect();
        checked(&scatter(&title, ["x", &name], &pairs).unwrap(), &title);
        let positions: Vec<f64> = (0..values.len()).map(|place| place as f64).collect();
        if let Ok(band) = median_curve(&[values]) {
            let figure = anytime(&title, &axis, &axis, &[Curve { name: &name, positions: &positions, band: &band }]);
            figure.into_iter().for_each(|figure| drop(checked(&figure, &title)));
        }
    }
}
