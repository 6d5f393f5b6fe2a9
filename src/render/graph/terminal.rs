//! A layout for the terminal, without colours: items from top to bottom, on their left the arrows.
//!
//! Every arrow that does not lead straight to the next item is told in words where it comes in, too;
//! when there are more lanes than there is room, the outer ones are told in words alone.

use crate::author::{Arrow, Graph};
use crate::model::{counted, escaped};

use super::{command, cut, lanes, rules, signers, threshold};

/// The least that is left for text, whatever the terminal's width.
const TEXT_AT_LEAST: usize = 32;
/// Lanes take at most one column in so many of the width.
const SHARE_OF_LANES: usize = 3;
/// Columns of a lane.
const LANE: usize = 2;

const UP: u8 = 1;
const DOWN: u8 = 2;
const LEFT: u8 = 4;
const RIGHT: u8 = 8;

/// A layout as lines of at most `width` columns (or a few more, when that is very little).
pub fn terminal(graph: &Graph, width: usize) -> String {
    let drawn = Drawn::new(graph, width);
    let left = drawn.columns + 2;
    let fits = width.saturating_sub(left).max(TEXT_AT_LEAST);
    let mut text = String::new();
    for row in &drawn.rows {
        let gutter: String = row.cells.iter().collect();
        let line = format!("{gutter} {}", cut(&row.text, fits));
        text.push_str(line.trim_end());
        text.push('\n');
    }
    if drawn.left_out > 0 {
        let arrows = counted(drawn.left_out, "arrow");
        text.push_str(&format!(
            "(no room to draw {arrows}; where they come in, they are told in words)\n"
        ));
    }
    text
}

/// One line.
struct Row {
    cells: Vec<char>,
    text: String,
}

/// All lines, and what goes through them on the left.
struct Drawn {
    rows: Vec<Row>,
    /// How wide the lanes and the column of the items are together.
    columns: usize,
    left_out: usize,
}

/// Where the lines of an item are: its name, its last, and the one before the next item.
#[derive(Clone, Copy)]
struct Place {
    name: usize,
    last: usize,
    below: usize,
}

/// What is drawn: for each line and column, in which directions lines lead from there.
struct Canvas {
    cells: Vec<Vec<u8>>,
}

impl Canvas {
    fn add(&mut self, row: usize, column: usize, directions: u8) {
        let cell = self.cells.get_mut(row).and_then(|row| row.get_mut(column));
        if let Some(cell) = cell {
            *cell |= directions;
        }
    }

    fn down(&mut self, column: usize, from: usize, to: usize) {
        for row in from..to {
            self.add(row, column, DOWN);
            self.add(row + 1, column, UP);
        }
    }

    fn right(&mut self, row: usize, from: usize, to: usize) {
        for column in from..to {
            self.add(row, column, RIGHT);
            self.add(row, column + 1, LEFT);
        }
    }
}

fn glyph(directions: u8) -> char {
    const VERTICAL: u8 = UP | DOWN;
    const HORIZONTAL: u8 = LEFT | RIGHT;
    match directions {
        0 => ' ',
        UP | DOWN | VERTICAL => '│',
        LEFT | RIGHT | HORIZONTAL => '─',
        d if d == DOWN | RIGHT => '┌',
        d if d == DOWN | LEFT => '┐',
        d if d == UP | RIGHT => '└',
        d if d == UP | LEFT => '┘',
        d if d == VERTICAL | RIGHT => '├',
        d if d == VERTICAL | LEFT => '┤',
        d if d == DOWN | HORIZONTAL => '┬',
        d if d == UP | HORIZONTAL => '┴',
        _ => '┼',
    }
}

impl Drawn {
    fn new(graph: &Graph, width: usize) -> Self {
        let arrows: Vec<(usize, usize)> = graph
            .arrows
            .iter()
            .map(|arrow| (arrow.from, arrow.to))
            .collect();
        let lanes = lanes(&arrows);
        let room = (width / SHARE_OF_LANES).saturating_sub(1) / LANE;
        let most = lanes
            .iter()
            .flatten()
            .max()
            .map_or(0, |lane| lane + 1)
            .min(room);
        let main = match most {
            0 => 0,
            most => most * LANE + 1,
        };
        let (texts, places) = texts(graph);
        let mut canvas = Canvas {
            cells: vec![vec![0; main + 1]; texts.len()],
        };
        let mut heads: Vec<(usize, usize, char)> = Vec::new();
        let mut left_out = 0;
        for ((from, to), lane) in arrows.into_iter().zip(lanes) {
            let (Some(start), Some(end)) = (places.get(from), places.get(to)) else {
                continue;
            };
            match lane {
                None => {
                    canvas.down(main, start.name, start.below);
                    heads.push((start.below, main, '▼'));
                }
                Some(lane) if lane >= most => left_out += 1,
                Some(lane) => {
                    let column = (most - 1 - lane) * LANE;
                    let (out, coming) = (start.last, end.name);
                    canvas.down(column, out.min(coming), out.max(coming));
                    canvas.right(out, column, main);
                    canvas.down(main, start.name, out);
                    canvas.right(coming, column, main);
                    heads.push((coming, main - 1, '▶'));
                }
            }
        }
        for (place, item) in places.iter().zip(&graph.items) {
            let sign = if item.signers.is_some() { '●' } else { '◆' };
            heads.push((place.name, main, sign));
        }
        Self {
            rows: rows(&canvas, texts, &heads),
            columns: main + 1,
            left_out,
        }
    }
}

fn rows(canvas: &Canvas, texts: Vec<String>, heads: &[(usize, usize, char)]) -> Vec<Row> {
    let mut rows: Vec<Row> = canvas
        .cells
        .iter()
        .zip(texts)
        .map(|(cells, text)| Row {
            cells: cells.iter().map(|directions| glyph(*directions)).collect(),
            text,
        })
        .collect();
    for (row, column, sign) in heads {
        let cell = rows
            .get_mut(*row)
            .and_then(|row| row.cells.get_mut(*column));
        if let Some(cell) = cell {
            *cell = *sign;
        }
    }
    rows
}

/// The text of each line, and where the items are in it.
fn texts(graph: &Graph) -> (Vec<String>, Vec<Place>) {
    let (mut texts, mut places) = (Vec::new(), Vec::new());
    for (at, item) in graph.items.iter().enumerate() {
        let name = texts.len();
        let number = at + 1;
        texts.push(match item.signers {
            Some(_) => format!("{number} {}  ({})", escaped(&item.name), threshold(item)),
            None => format!("{number} {}", escaped(&item.name)),
        });
        texts.push(escaped(&signers(item)).to_string());
        texts.extend(command(item).map(|command| format!("$ {}", escaped(&command))));
        let far = |arrow: &&Arrow| arrow.to == at && arrow.to != arrow.from + 1;
        texts.extend(graph.arrows.iter().filter(far).map(|arrow| {
            let from = graph.items.get(arrow.from);
            let from = from.map_or("", |item| item.name.as_str());
            let (from, rules) = (escaped(from), rules(arrow));
            format!("← {from}: {}", escaped(&rules))
        }));
        let last = texts.len() - 1;
        if number < graph.items.len() {
            let near = |arrow: &&Arrow| arrow.from == at && arrow.to == number;
            let near = graph.arrows.iter().find(near).map(rules);
            texts.push(near.map_or(String::new(), |rules| escaped(&rules).to_string()));
        }
        places.push(Place {
            name,
            last,
            below: texts.len() - 1,
        });
    }
    (texts, places)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::graph::tests::{chain, hostile};

    fn same(graph: &Graph, width: usize, expected: &str) {
        let shown = terminal(graph, width);
        assert!(shown == expected, "{shown}");
    }

    #[test]
    fn one_step_is_as_drawn() {
        same(&chain(1), 80, include_str!("testdata/1.txt"));
    }

    #[test]
    fn five_steps_are_as_drawn() {
        same(&chain(5), 80, include_str!("testdata/5.txt"));
    }

    #[test]
    fn forty_steps_are_as_drawn() {
        same(&chain(40), 80, include_str!("testdata/40.txt"));
    }

    #[test]
    fn nothing_is_drawn_of_nothing() {
        assert_eq!(terminal(&Graph::default(), 80), "");
    }

    #[test]
    fn no_line_is_wider_than_the_terminal() {
        for width in [60, 80, 200] {
            for line in terminal(&chain(40), width).lines() {
                assert!(line.chars().count() <= width, "{width}: {line}");
            }
        }
    }

    #[test]
    fn where_there_is_no_room_for_lanes_arrows_are_told_in_words() {
        let shown = terminal(&chain(40), 8);
        assert!(shown.contains("no room to draw"), "{shown}");
        assert!(shown.contains("← step-1: src/*"), "{shown}");
    }

    #[test]
    fn back_and_round_arrows_are_drawn() {
        let mut graph = chain(2);
        for (from, to) in [(1, 0), (1, 1)] {
            let mut arrow = graph.arrows[0].clone();
            (arrow.from, arrow.to) = (from, to);
            graph.arrows.push(arrow);
        }
        let shown = terminal(&graph, 80);
        assert_eq!(shown.matches('▶').count(), 2, "{shown}");
    }

    #[test]
    fn a_terminal_obeys_no_name() {
        let shown = terminal(&hostile(), 80);
        assert!(!shown.contains(['\u{1b}', '\u{7}', '\r', '\u{202e}', '\u{0}']));
        let lines = chain(hostile().items.len());
        assert_eq!(shown.lines().count(), terminal(&lines, 80).lines().count());
    }
}
