//! Colours and dashes: names in the drawing, whose values follow what the reader prefers.

/// Colours that lines take in turn.
const COLOURS: usize = 8;
/// Dashes that lines take in turn.
const DASHES: usize = 8;

/// What the classes look like.
///
/// Colours are those of Okabe and Ito (2008), which people with every kind of colour vision tell apart; the two that a
/// background swallows are changed: their black is the ink, and their yellow is darker on a light background. A page can
/// set `--figure-paper`, `--figure-ink` and `--figure-grid` to what it has itself. Letters have a rim of the background, so
/// that they can be read where they cross a line.
pub(super) const STYLE: &str = "
.archwright-figure{max-width:720px;color-scheme:light dark;font:16px system-ui,sans-serif;\
--paper:var(--figure-paper,#fcfcfa);--ink:var(--figure-ink,#22262c);--grid:var(--figure-grid,#d9dce1);\
--c0:#0072b2;--c1:#d55e00;--c2:#009e73;--c3:#cc79a7;--c4:#e69f00;--c5:#56b4e9;--c6:var(--ink);--c7:#a89a00}
@media(prefers-color-scheme:dark){.archwright-figure{\
--paper:var(--figure-paper,#15181d);--ink:var(--figure-ink,#e3e6ea);--grid:var(--figure-grid,#3b4149);\
--c0:#2a8fd0;--c7:#f0e442}}
.archwright-figure .paper{fill:var(--paper)}
.archwright-figure text{fill:var(--ink);stroke:var(--paper);stroke-width:4;stroke-linejoin:round;paint-order:stroke}
.archwright-figure .title{font-weight:600}
.archwright-figure .faint{fill-opacity:.75}
.archwright-figure path{fill:none;stroke-linejoin:round}
.archwright-figure .grid{stroke:var(--grid);stroke-width:1}
.archwright-figure .axis{stroke:var(--ink);stroke-width:1.2}
.archwright-figure .median{stroke:var(--ink);stroke-width:2.6}
.archwright-figure .bar{stroke:var(--ink);stroke-width:5;stroke-linecap:round}
.archwright-figure .line{stroke-width:2.4}
.archwright-figure .leader{stroke-width:1.2;stroke-opacity:.7}
.archwright-figure .band{fill-opacity:.18}
.archwright-figure .many{fill-opacity:.09}
.archwright-figure .point{fill-opacity:.6}
.archwright-figure .box{fill-opacity:.2;stroke-width:1.6}
.archwright-figure .s0{stroke:var(--c0)}.archwright-figure .s1{stroke:var(--c1)}\
.archwright-figure .s2{stroke:var(--c2)}.archwright-figure .s3{stroke:var(--c3)}\
.archwright-figure .s4{stroke:var(--c4)}.archwright-figure .s5{stroke:var(--c5)}\
.archwright-figure .s6{stroke:var(--c6)}.archwright-figure .s7{stroke:var(--c7)}
.archwright-figure .f0{fill:var(--c0)}.archwright-figure .f1{fill:var(--c1)}\
.archwright-figure .f2{fill:var(--c2)}.archwright-figure .f3{fill:var(--c3)}\
.archwright-figure .f4{fill:var(--c4)}.archwright-figure .f5{fill:var(--c5)}\
.archwright-figure .f6{fill:var(--c6)}.archwright-figure .f7{fill:var(--c7)}
.archwright-figure .d1{stroke-dasharray:9 4}.archwright-figure .d2{stroke-dasharray:2 3}\
.archwright-figure .d3{stroke-dasharray:9 3 2 3}.archwright-figure .d4{stroke-dasharray:5 3}\
.archwright-figure .d5{stroke-dasharray:9 3 2 3 2 3}.archwright-figure .d6{stroke-dasharray:14 4}\
.archwright-figure .d7{stroke-dasharray:4 2 1 2}
";

/// Classes of the line of one of several methods, whose colour and dash no other of the first 64 shares.
pub(super) fn stroke(place: usize) -> String {
    format!("s{} d{}", place % COLOURS, (place + place / COLOURS) % DASHES)
}

/// Class of the outline of one of several methods.
pub(super) fn outline(place: usize) -> String {
    format!("s{}", place % COLOURS)
}

/// Class of the fill of one of several methods.
pub(super) fn fill(place: usize) -> String {
    format!("f{}", place % COLOURS)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn many_lines_look_different() {
        assert_eq!((0..64).map(stroke).collect::<BTreeSet<_>>().len(), 64);
    }
}
