//! Layered drawing of small directed acyclic graphs (Sugiyama, Tagawa & Toda 1981): layers by longest paths, few
//! crossings by barycentres and swaps, coordinates by least squares.

use std::collections::BTreeMap;

/// Rounds of improving the order within layers.
const ORDER_ROUNDS: usize = 24;
/// Rounds of improving coordinates.
const PLACE_ROUNDS: usize = 60;
/// Space between neighbours of a layer.
const GAP: f64 = 14.0;
/// Room for a line that passes through a layer.
const LINE: f64 = 6.0;
/// How much straighter lines through layers are drawn than those at boxes.
const STRAIGHT: f64 = 8.0;

/// A graph to draw; layers go from left to right.
pub(super) struct Graph {
    /// Width and height of each box.
    pub(super) sizes: Vec<[f64; 2]>,
    /// The layer of each box; those that edges lead to have later ones.
    pub(super) layers: Vec<usize>,
    /// From, to.
    pub(super) edges: Vec<(usize, usize)>,
}

/// Where everything goes.
pub(super) struct Layout {
    /// Centre of each box.
    pub(super) centres: Vec<[f64; 2]>,
    /// The points that each edge runs through.
    pub(super) routes: Vec<Vec<[f64; 2]>>,
}

/// A box, or the place where an edge passes a layer.
struct Spot {
    layer: usize,
    height: f64,
    is_line: bool,
}

impl Graph {
    /// Lays the graph out, with so much space between layers.
    pub(super) fn layout(&self, space: f64) -> Layout {
        let mut spots: Vec<Spot> = self
            .sizes
            .iter()
            .zip(&self.layers)
            .map(|([_, height], layer)| Spot { layer: *layer, height: *height, is_line: false })
            .collect();
        let mut links = Vec::new();
        let mut chains = Vec::new();
        for (from, to) in &self.edges {
            let mut chain = vec![*from];
            for layer in self.layers[*from] + 1..self.layers[*to] {
                spots.push(Spot { layer, height: LINE, is_line: true });
                chain.push(spots.len() - 1);
            }
            chain.push(*to);
            links.extend(chain.windows(2).map(|pair| (pair[0], pair[1])));
            chains.push(chain);
        }
        let neighbours = Neighbours::new(spots.len(), &links);
        let mut rows: Vec<Vec<usize>> = vec![Vec::new(); spots.iter().map(|spot| spot.layer + 1).max().unwrap_or(0)];
        for (index, spot) in spots.iter().enumerate() {
            rows[spot.layer].push(index);
        }
        order(&mut rows, &neighbours);
        let y = place(&rows, &spots, &neighbours);
        let widths = self.widths(rows.len());
        let mut middle = Vec::new();
        let mut left = 0.0;
        for width in &widths {
            middle.push(left + width / 2.0);
            left += width + space;
        }
        let centres = (0..self.sizes.len()).map(|index| [middle[self.layers[index]], y[index]]).collect();
        let routes = chains
            .iter()
            .map(|chain| {
                let mut points = Vec::new();
                for (place, spot) in chain.iter().enumerate() {
                    let layer = spots[*spot].layer;
                    let half = self.sizes.get(*spot).map_or(widths[layer], |size| size[0]) / 2.0;
                    if place > 0 {
                        points.push([middle[layer] - half, y[*spot]]);
                    }
                    if place + 1 < chain.len() {
                        points.push([middle[layer] + half, y[*spot]]);
                    }
                }
                points
            })
            .collect();
        Layout { centres, routes }
    }

    /// Width of each layer.
    fn widths(&self, layers: usize) -> Vec<f64> {
        let mut widths: Vec<f64> = vec![0.0; layers];
        for ([width, _], layer) in self.sizes.iter().zip(&self.layers) {
            widths[*layer] = widths[*layer].max(*width);
        }
        widths
    }
}

struct Neighbours {
    before: Vec<Vec<usize>>,
    after: Vec<Vec<usize>>,
}

impl Neighbours {
    fn new(spots: usize, links: &[(usize, usize)]) -> Self {
        let mut neighbours = Self { before: vec![Vec::new(); spots], after: vec![Vec::new(); spots] };
        for (from, to) in links {
            neighbours.after[*from].push(*to);
            neighbours.before[*to].push(*from);
        }
        neighbours
    }
}

/// Orders the spots of each layer so that few lines cross.
fn order(rows: &mut Vec<Vec<usize>>, neighbours: &Neighbours) {
    let mut best = rows.clone();
    let mut fewest = crossings(rows, neighbours);
    for round in 0..ORDER_ROUNDS {
        let down = round % 2 == 0;
        let layers: Vec<usize> = if down { (1..rows.len()).collect() } else { (0..rows.len()).rev().skip(1).collect() };
        for layer in layers {
            let other = if down { layer - 1 } else { layer + 1 };
            let places = places(&rows[other]);
            let of = if down { &neighbours.before } else { &neighbours.after };
            let own: BTreeMap<usize, f64> =
                rows[layer].iter().enumerate().map(|(place, spot)| (*spot, place as f64)).collect();
            let barycentre = |spot: &usize| {
                let found: Vec<f64> =
                    of[*spot].iter().filter_map(|one| places.get(one)).map(|one| *one as f64).collect();
                if found.is_empty() { own[spot] } else { found.iter().sum::<f64>() / found.len() as f64 }
            };
            rows[layer].sort_by(|one, other| barycentre(one).total_cmp(&barycentre(other)));
        }
        swap(rows, neighbours);
        let found = crossings(rows, neighbours);
        if found < fewest {
            (fewest, best) = (found, rows.clone());
        }
    }
    *rows = best;
}

/// Swaps neighbours as long as that saves crossings.
fn swap(rows: &mut [Vec<usize>], neighbours: &Neighbours) {
    for _ in 0..ORDER_ROUNDS {
        let mut better = false;
        for layer in 0..rows.len() {
            for place in 1..rows[layer].len() {
                let around = |rows: &[Vec<usize>]| {
                    let from = layer.saturating_sub(1);
                    crossings(&rows[from..(layer + 2).min(rows.len())], neighbours)
                };
                let before = around(rows);
                rows[layer].swap(place - 1, place);
                if around(rows) < before {
                    better = true;
                } else {
                    rows[layer].swap(place - 1, place);
                }
            }
        }
        if !better {
            return;
        }
    }
}

fn places(row: &[usize]) -> BTreeMap<usize, usize> {
    row.iter().enumerate().map(|(place, spot)| (*spot, place)).collect()
}

fn crossings(rows: &[Vec<usize>], neighbours: &Neighbours) -> usize {
    rows.windows(2)
        .map(|pair| {
            let next = places(&pair[1]);
            let ends: Vec<Vec<usize>> = pair[0]
                .iter()
                .map(|spot| neighbours.after[*spot].iter().filter_map(|to| next.get(to).copied()).collect())
                .collect();
            let mut count = 0;
            for (index, upper) in ends.iter().enumerate() {
                for lower in &ends[index + 1..] {
                    count += upper.iter().map(|one| lower.iter().filter(|other| *other < one).count()).sum::<usize>();
                }
            }
            count
        })
        .sum()
}

/// Coordinates across the layers: each spot near the mean of its neighbours, in its layer's order, none too close.
fn place(rows: &[Vec<usize>], spots: &[Spot], neighbours: &Neighbours) -> Vec<f64> {
    let mut y = vec![0.0; spots.len()];
    for row in rows {
        let mut top = 0.0;
        for spot in row {
            y[*spot] = top + spots[*spot].height / 2.0;
            top += spots[*spot].height + GAP;
        }
        row.iter().for_each(|spot| y[*spot] -= top / 2.0);
    }
    for round in 0..PLACE_ROUNDS {
        let last = round + 1 == PLACE_ROUNDS;
        let layers: Vec<usize> =
            if round % 2 == 0 { (0..rows.len()).collect() } else { (0..rows.len()).rev().collect() };
        for layer in layers {
            let row = &rows[layer];
            let wanted: Vec<(f64, f64)> = row
                .iter()
                .map(|spot| {
                    let around = neighbours.before[*spot].iter().chain(&neighbours.after[*spot]);
                    let weigh =
                        |other: &usize| if spots[*spot].is_line || spots[*other].is_line { STRAIGHT } else { 1.0 };
                    let (sum, weight) = around.fold((0.0, 0.0), |(sum, weight), other| {
                        (sum + y[*other] * weigh(other), weight + weigh(other))
                    });
                    if weight > 0.0 { (sum / weight, weight) } else { (y[*spot], 1.0) }
                })
                .collect();
            let gaps: Vec<f64> =
                row.windows(2).map(|pair| f64::midpoint(spots[pair[0]].height, spots[pair[1]].height) + GAP).collect();
            let settled = apart(&wanted, &gaps);
            row.iter().zip(settled).for_each(|(spot, value)| y[*spot] = value);
        }
        debug_assert!(!last || y.iter().all(|value| value.is_finite()));
    }
    y
}

/// The places nearest to those wanted (with weights) that keep the order and the gaps: isotonic regression.
fn apart(wanted: &[(f64, f64)], gaps: &[f64]) -> Vec<f64> {
    let mut offsets = vec![0.0];
    for gap in gaps {
        offsets.push(offsets.last().copied().unwrap_or(0.0) + gap);
    }
    // Blocks of equal value: value, weight, members.
    let mut blocks: Vec<(f64, f64, usize)> = Vec::new();
    for ((value, weight), offset) in wanted.iter().zip(&offsets) {
        blocks.push((value - offset, *weight, 1));
        while let [.., (upper, one, members), (lower, other, more)] = blocks[..]
            && upper > lower
        {
            blocks.truncate(blocks.len() - 2);
            let weight = one + other;
            blocks.push(((upper * one + lower * other) / weight, weight, members + more));
        }
    }
    let values = blocks.iter().flat_map(|(value, _, members)| std::iter::repeat_n(*value, *members));
    values.zip(offsets).map(|(value, offset)| value + offset).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn boxes_keep_apart_and_lines_cross_no_box() {
        let size = [40.0, 20.0];
        let edges = vec![(0, 1), (0, 2), (0, 3), (1, 4), (2, 4), (3, 4), (0, 4), (0, 5), (4, 5)];
        let graph = Graph { sizes: vec![size; 6], layers: vec![0, 1, 1, 1, 2, 3], edges };
        let Layout { centres, routes } = graph.layout(30.0);
        for (index, [x, y]) in centres.iter().enumerate() {
            for [right, lower] in &centres[index + 1..] {
                assert!((x - right).abs() >= 40.0 || (y - lower).abs() >= 20.0 + GAP - 1e-9);
            }
        }
        for route in &routes {
            for [x, y] in &route[1..route.len() - 1] {
                assert!(centres.iter().all(|[cx, cy]| (x - cx).abs() >= 20.0 - 1e-9 || (y - cy).abs() > 10.0));
            }
        }
    }

    #[test]
    fn places_are_the_nearest_that_keep_the_gaps() {
        assert_eq!(apart(&[(5.0, 1.0), (0.0, 1.0)], &[2.0]), [1.5, 3.5]);
        assert_eq!(apart(&[(0.0, 1.0), (9.0, 1.0)], &[2.0]), [0.0, 9.0]);
    }
}
