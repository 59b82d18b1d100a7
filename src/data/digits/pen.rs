//! From strokes to a picture: smooth curves, one hand's slant and shake, a pen that presses more and less.

use super::strokes::Stroke;
use crate::kernel::noise::{Index, Noise};

/// Pixels on a side.
pub const SIDE: usize = 28;
/// As in MNIST, the digit fits a square of this side.
const BOX: f32 = 20.0;
/// Points of a curve between two that are given.
const PIECES: usize = 5;
/// Blur of an edge, in pixels.
const EDGE: f32 = 1.3;

/// The hand that writes one digit: everything about it that is drawn.
pub struct Hand {
    noise: Noise,
    at: Index,
}

impl Hand {
    pub fn new(noise: Noise, row: u32) -> Hand {
        Hand { noise, at: Index { row, ..Index::default() } }
    }

    /// Uniform on (0, 1).
    pub fn uniform(&mut self) -> f32 {
        let value = self.noise.uniform(self.at);
        self.at.component += 1;
        value as f32
    }

    /// Of mean 0 and sd 1, never beyond about 3: the sum of six uniforms.
    fn bell(&mut self) -> f32 {
        let sum: f32 = (0..6).map(|_| self.uniform()).sum();
        (sum - 3.0) * std::f32::consts::SQRT_2
    }
}

/// A point of the pen's way with the radius of its trace.
#[derive(Debug, Clone, Copy, Default)]
struct Spot {
    x: f32,
    y: f32,
    radius: f32,
}

/// Draws strokes into a picture of `SIDE` x `SIDE` bytes.
pub fn draw(strokes: &[Stroke], hand: &mut Hand, picture: &mut [u8]) {
    let mut lines = curves(strokes, hand);
    distort(&mut lines, hand);
    place(&mut lines, hand);
    press(&mut lines, hand);
    let ink = 255.0 * (1.0 - 0.1 * hand.uniform() * hand.uniform());
    let mut trace = [0.0f32; SIDE * SIDE];
    for line in &lines {
        for pair in line.windows(2) {
            capsule(pair[0], pair[1], &mut trace);
        }
    }
    for (byte, cover) in picture.iter_mut().zip(trace) {
        *byte = (ink * cover + 0.5) as u8;
    }
}

/// Smooth curves through the points of each stroke, the points a little off (Catmull & Rom 1974).
fn curves(strokes: &[Stroke], hand: &mut Hand) -> Vec<Vec<Spot>> {
    let shake = 0.024 + 0.03 * hand.uniform();
    let mut lines = Vec::with_capacity(strokes.len());
    for stroke in strokes {
        // Points that lie close together shake less, or a round stroke would have corners.
        let shake = shake * (6.5 / stroke.len() as f32).min(1.0);
        let mut points: Vec<(f32, f32)> = vec![];
        for (i, point) in stroke.iter().enumerate() {
            let moved = (point.0 + shake * hand.bell(), point.1 + shake * hand.bell());
            // Both halves of a corner move together.
            points.push(if i > 0 && stroke[i - 1] == *point { points[i - 1] } else { moved });
        }
        let mut line = Vec::with_capacity(points.len() * PIECES);
        for i in 0..points.len() - 1 {
            let (from, to) = (points[i], points[i + 1]);
            let before = if i == 0 || points[i - 1] == from { from } else { points[i - 1] };
            let after = points.get(i + 2).filter(|next| **next != to).copied().unwrap_or(to);
            if from == to {
                continue;
            }
            for k in 0..PIECES {
                let t = k as f32 / PIECES as f32;
                let x = bend(before.0, from.0, to.0, after.0, t);
                let y = bend(before.1, from.1, to.1, after.1, t);
                line.push(Spot { x, y, radius: 1.0 });
            }
        }
        let last = points[points.len() - 1];
        line.push(Spot { x: last.0, y: last.1, radius: 1.0 });
        lines.push(line);
    }
    lines
}

/// The cubic through `from` and `to` whose slopes are those of the chords beside them.
fn bend(before: f32, from: f32, to: f32, after: f32, t: f32) -> f32 {
    let (left, right) = ((to - before) / 2.0, (after - from) / 2.0);
    let (t2, t3) = (t * t, t * t * t);
    (2.0 * t3 - 3.0 * t2 + 1.0) * from + (t3 - 2.0 * t2 + t) * left + (3.0 * t2 - 2.0 * t3) * to + (t3 - t2) * right
}

/// Slant, turn, width, and a slow wave over the page.
fn distort(lines: &mut [Vec<Spot>], hand: &mut Hand) {
    let slant = 0.17 + 0.24 * hand.bell();
    let turn = 0.09 * hand.bell();
    let width = (1.08 + 0.2 * hand.bell()).max(0.6);
    let (sin, cos) = (libm::sinf(turn), libm::cosf(turn));
    let mut wave = |most: f32| (most * hand.uniform(), 2.0 + 3.0 * hand.uniform(), 6.3 * hand.uniform());
    let (across, down) = (wave(0.09), wave(0.08));
    for spot in lines.iter_mut().flatten() {
        let (x, y) = ((spot.x - 0.5) * width, spot.y - 0.75);
        let x = x - slant * y + across.0 * libm::sinf(across.1 * spot.y + across.2);
        let y = y + down.0 * libm::sinf(down.1 * spot.x + down.2);
        (spot.x, spot.y) = (cos * x - sin * y, sin * x + cos * y);
    }
}

/// Into the box by its longer side, with the middle of its trace in the middle of the picture.
fn place(lines: &mut [Vec<Spot>], hand: &mut Hand) {
    let spots = || lines.iter().flatten();
    let ends = |of: fn(&Spot) -> f32| {
        spots().map(of).fold((f32::INFINITY, f32::NEG_INFINITY), |(low, high), v| (low.min(v), high.max(v)))
    };
    let ((left, right), (top, bottom)) = (ends(|spot| spot.x), ends(|spot| spot.y));
    let room = BOX - 2.2 - 1.2 * hand.uniform();
    let scale = room / (right - left).max(bottom - top);
    let (mut x, mut y, mut length) = (0.0, 0.0, 0.0);
    for pair in lines.iter().flat_map(|line| line.windows(2)) {
        let part = distance(pair[0], pair[1]);
        x += part * (pair[0].x + pair[1].x) / 2.0;
        y += part * (pair[0].y + pair[1].y) / 2.0;
        length += part;
    }
    let (x, y) = (x / length, y / length);
    let middle = SIDE as f32 / 2.0;
    for spot in lines.iter_mut().flatten() {
        spot.x = middle + scale * (spot.x - x);
        spot.y = middle + scale * (spot.y - y);
    }
}

/// How thick the pen is, and where it presses.
fn press(lines: &mut [Vec<Spot>], hand: &mut Hand) {
    let thick = (1.34 + 0.3 * hand.bell()).clamp(0.62, 2.3);
    let (change, speed, phase) = (0.18 * hand.uniform(), 2.0 + 4.0 * hand.uniform(), 6.3 * hand.uniform());
    let ends = 0.3 * hand.uniform();
    for line in lines {
        let last = (line.len() - 1).max(1) as f32;
        for (i, spot) in line.iter_mut().enumerate() {
            let t = i as f32 / last;
            let taper = 1.0 - ends * (2.0 * t - 1.0).abs().powi(6);
            spot.radius = thick * taper * (1.0 + change * libm::sinf(speed * t + phase));
        }
    }
}

fn distance(a: Spot, b: Spot) -> f32 {
    ((a.x - b.x) * (a.x - b.x) + (a.y - b.y) * (a.y - b.y)).sqrt()
}

/// Covers what lies within the radius of a line between two spots.
fn capsule(a: Spot, b: Spot, trace: &mut [f32; SIDE * SIDE]) {
    let reach = a.radius.max(b.radius) + EDGE / 2.0;
    let low = |a: f32, b: f32| ((a.min(b) - reach).floor().max(0.0)) as usize;
    let high = |a: f32, b: f32| ((a.max(b) + reach).ceil().clamp(0.0, SIDE as f32)) as usize;
    let (dx, dy) = (b.x - a.x, b.y - a.y);
    let scale = 1.0 / (dx * dx + dy * dy).max(1e-12);
    for row in low(a.y, b.y)..high(a.y, b.y) {
        for column in low(a.x, b.x)..high(a.x, b.x) {
            let (x, y) = (column as f32 + 0.5 - a.x, row as f32 + 0.5 - a.y);
            let t = ((x * dx + y * dy) * scale).clamp(0.0, 1.0);
            let (x, y) = (x - t * dx, y - t * dy);
            let radius = a.radius + t * (b.radius - a.radius);
            let cover = ((radius + EDGE / 2.0 - (x * x + y * y).sqrt()) / EDGE).clamp(0.0, 1.0);
            let pixel = &mut trace[row * SIDE + column];
            *pixel = pixel.max(cover);
        }
    }
}
