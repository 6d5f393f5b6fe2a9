//! The drawing itself, as SVG: boxes one below the other, arrows between them.
//!
//! Colours come from a style sheet, by the classes `box`, `bar`, `edge`, `tip`, `pill`, `name`,
//! `corner` and `small`, and by those that the boxes and arrows are given.

use std::collections::BTreeMap;
use std::io::{self, Write};

use super::super::words::markup;
use super::{cut, lanes};

/// Between a box and the next.
const GAP: usize = 46;
/// Between a lane and the next.
const LANE: usize = 34;
/// Between a box and the first lane.
const FIRST_LANE: usize = 20;
/// How far a box is set in per level.
const INDENT: usize = 18;
/// How many levels are set in; what is deeper stands below them.
const INDENTED_AT_MOST: usize = 6;
/// The height of a box without lines of text below its name, and what each of them adds.
const NAME_HEIGHT: usize = 38;
const LINE_HEIGHT: usize = 18;
/// How wide a character of a name is, and of other text, a little more than most are.
const NAME_CHARACTER: usize = 9;
const CHARACTER: usize = 7;
/// How far before its end an arrow's pill stands.
const PILL_BEFORE: usize = 24;
/// How round the corners of an arrow are.
const BEND: usize = 8;

/// Boxes from top to bottom, and arrows between them.
#[derive(Debug)]
pub(in crate::render) struct Drawing {
    /// How wide a box is.
    pub(in crate::render) width: usize,
    pub(in crate::render) boxes: Vec<Shape>,
    pub(in crate::render) arrows: Vec<Line>,
}

/// A box.
#[derive(Debug)]
pub(in crate::render) struct Shape {
    /// Its class in the style sheet.
    pub(in crate::render) class: &'static str,
    /// Where a click leads.
    pub(in crate::render) href: Option<String>,
    /// What is said when somebody points at it.
    pub(in crate::render) title: String,
    /// How deep it is set in.
    pub(in crate::render) level: usize,
    pub(in crate::render) name: String,
    /// What stands in the corner.
    pub(in crate::render) corner: String,
    /// What stands below the name.
    pub(in crate::render) lines: Vec<String>,
}

/// An arrow.
#[derive(Debug)]
pub(in crate::render) struct Line {
    pub(in crate::render) from: usize,
    pub(in crate::render) to: usize,
    /// Its classes in the style sheet.
    pub(in crate::render) class: &'static str,
    /// What stands beside it when it runs straight down.
    pub(in crate::render) words: String,
    /// What stands on it in a lane: four characters at most.
    pub(in crate::render) pill: Option<String>,
    /// What is said when somebody points at it.
    pub(in crate::render) title: String,
}

/// A drawing with everything in its place.
#[derive(Debug)]
struct Placed<'d> {
    drawing: &'d Drawing,
    lanes: Vec<Option<usize>>,
    /// Where each box starts.
    tops: Vec<usize>,
    /// Where the arrows in lanes leave a box, and where each of them comes in.
    leaves: BTreeMap<usize, usize>,
    comes: BTreeMap<usize, usize>,
}

/// An end of an arrow at the side of a box, in the order in which they stand there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct End {
    down: bool,
    order: usize,
    /// The arrow that comes in; `None` for all that leave.
    arrow: Option<usize>,
}

impl Drawing {
    /// How wide and how high it is.
    pub(in crate::render) fn size(&self) -> (usize, usize) {
        let placed = Placed::new(self);
        let lanes = placed.lanes.iter().flatten();
        let most = lanes.max().map_or(0, |lane| lane + 1);
        let width = self.width + most * LANE + if most > 0 { 6 } else { 0 };
        let last = placed.tops.last().zip(self.boxes.last());
        (width, last.map_or(0, |(top, shape)| top + shape.height()))
    }

    /// Writes what stands inside of the `svg` element.
    pub(in crate::render) fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        let placed = Placed::new(self);
        // What is broken comes first: of a lane that is shared, the part that is not lies above it.
        let mut far: Vec<(usize, &Line)> = self.arrows.iter().enumerate().collect();
        far.sort_by_key(|(_, line)| !line.class.starts_with("broken"));
        for (at, line) in far {
            if let Some(Some(lane)) = placed.lanes.get(at) {
                placed.far(line, *lane, placed.ends(at, line), out)?;
            }
        }
        for (line, lane) in self.arrows.iter().zip(&placed.lanes) {
            if lane.is_none() {
                placed.near(line, out)?;
            }
        }
        for (shape, top) in self.boxes.iter().zip(&placed.tops) {
            shape.write(self.width, *top, out)?;
        }
        Ok(())
    }
}

impl<'d> Placed<'d> {
    fn new(drawing: &'d Drawing) -> Self {
        let arrows: Vec<(usize, usize)> = drawing
            .arrows
            .iter()
            .map(|line| (line.from, line.to))
            .collect();
        let mut next = 0;
        let tops = drawing.boxes.iter().map(|shape| {
            let top = next;
            next += shape.height() + GAP;
            top
        });
        let mut placed = Self {
            tops: tops.collect(),
            lanes: lanes(&arrows),
            leaves: BTreeMap::new(),
            comes: BTreeMap::new(),
            drawing,
        };
        placed.place_ends();
        placed
    }

    fn top(&self, at: usize) -> usize {
        self.tops.get(at).copied().unwrap_or_default()
    }

    fn height(&self, at: usize) -> usize {
        self.drawing.boxes.get(at).map_or(0, Shape::height)
    }

    /// Gives what leaves a box and each arrow that comes in a height of its own at its side, so that as
    /// few as can be cross: those that go up above those that go down, the inner ones outermost.
    fn place_ends(&mut self) {
        let mut all: BTreeMap<usize, Vec<End>> = BTreeMap::new();
        for (at, (line, lane)) in self.drawing.arrows.iter().zip(&self.lanes).enumerate() {
            let Some(lane) = *lane else {
                continue;
            };
            let end = |down, arrow| End {
                down,
                order: if down { usize::MAX - lane } else { lane },
                arrow,
            };
            // One that comes back to its own box comes in above.
            let leaving = all.entry(line.from).or_default();
            match leaving.iter_mut().find(|end| end.arrow.is_none()) {
                None => leaving.push(end(line.to >= line.from, None)),
                Some(known) if line.to >= line.from => *known = end(true, None),
                Some(_) => {}
            }
            let coming = end(line.to < line.from, Some(at));
            all.entry(line.to).or_default().push(coming);
        }
        for (shape, mut ends) in all {
            ends.sort_unstable();
            let (top, height, count) = (self.top(shape), self.height(shape), ends.len());
            for (place, end) in ends.into_iter().enumerate() {
                let y = top + height * (place + 1) / (count + 1);
                match end.arrow {
                    Some(arrow) => self.comes.insert(arrow, y),
                    None => self.leaves.insert(shape, y),
                };
            }
        }
    }

    /// Where an arrow leaves and comes in.
    fn ends(&self, at: usize, line: &Line) -> (usize, usize) {
        let leaves = self.leaves.get(&line.from).copied();
        let comes = self.comes.get(&at).copied();
        (leaves.unwrap_or_default(), comes.unwrap_or_default())
    }

    fn near(&self, line: &Line, out: &mut dyn Write) -> io::Result<()> {
        let (x, start) = (38, self.top(line.from) + self.height(line.from));
        let end = start + GAP;
        let fits = self.drawing.width.saturating_sub(x + 14) / CHARACTER;
        writeln!(
            out,
            r#"<g class="{}"><title>{}</title><path class="edge" d="M{x} {start}V{}"/><path class="tip" d="M{} {}l5 8l5 -8z"/><text class="small" x="{}" y="{}">{}</text></g>"#,
            line.class,
            markup(&line.title),
            end - 7,
            x - 5,
            end - 8,
            x + 14,
            start + GAP / 2 + 4,
            markup(&cut(&line.words, fits))
        )
    }

    fn far(
        &self,
        line: &Line,
        lane: usize,
        (start, end): (usize, usize),
        out: &mut dyn Write,
    ) -> io::Result<()> {
        let (right, x) = (
            self.drawing.width,
            self.drawing.width + FIRST_LANE + lane * LANE,
        );
        let bend = BEND.min(start.abs_diff(end) / 2);
        // Down, or up and back.
        let (forth, last) = match end >= start {
            true => ("", end - bend),
            false => ("-", end + bend),
        };
        write!(
            out,
            r#"<g class="{}"><title>{}</title><path class="edge" d="M{right} {start}H{}q{bend} 0 {bend} {forth}{bend}V{last}q0 {forth}{bend} -{bend} {forth}{bend}H{}"/><path class="tip" d="M{right} {end}l8 -5v10z"/>"#,
            line.class,
            markup(&line.title),
            x - bend,
            right + 8
        )?;
        if let Some(pill) = &line.pill {
            // Just before it comes in: there nothing else is in a lane that is shared.
            let middle = match end >= start {
                true => start.midpoint(end).max(end.saturating_sub(PILL_BEFORE)),
                false => start.midpoint(end).min(end + PILL_BEFORE),
            };
            write!(
                out,
                r#"<rect class="pill" x="{}" y="{}" width="30" height="18" rx="9"/><text class="small" x="{x}" y="{}" text-anchor="middle">{}</text>"#,
                x.saturating_sub(15),
                middle.saturating_sub(9),
                middle + 4,
                markup(pill)
            )?;
        }
        writeln!(out, "</g>")
    }
}

impl Shape {
    fn height(&self) -> usize {
        NAME_HEIGHT + self.lines.len() * LINE_HEIGHT
    }

    fn write(&self, width: usize, y: usize, out: &mut dyn Write) -> io::Result<()> {
        let x = self.level.min(INDENTED_AT_MOST) * INDENT;
        let height = self.height();
        let (open, close) = match &self.href {
            Some(href) => (format!(r#"a href="{}""#, markup(href)), "a"),
            None => ("g".to_owned(), "g"),
        };
        write!(
            out,
            r#"<{open} class="{}"><title>{}</title><rect class="box" x="{x}.5" y="{y}.5" width="{}" height="{}" rx="8"/><rect class="bar" x="{x}" y="{y}" width="6" height="{height}" rx="3"/>"#,
            self.class,
            markup(&self.title),
            width - x - 1,
            height - 1
        )?;
        let (left, inside) = (x + 18, width - x - 30);
        let beside = (self.corner.chars().count() + 2) * CHARACTER;
        let name = cut(&self.name, inside.saturating_sub(beside) / NAME_CHARACTER);
        write!(
            out,
            r#"<text class="name" x="{left}" y="{}">{}</text><text class="corner" x="{}" y="{}" text-anchor="end">{}</text>"#,
            y + 24,
            markup(&name),
            width - 12,
            y + 24,
            markup(&self.corner)
        )?;
        for (at, line) in self.lines.iter().enumerate() {
            write!(
                out,
                r#"<text class="small" x="{left}" y="{}">{}</text>"#,
                y + NAME_HEIGHT + 5 + at * LINE_HEIGHT,
                markup(&cut(line, inside / CHARACTER))
            )?;
        }
        writeln!(out, "</{close}>")
    }
}
