//! QR codes as elements: one path for all dark modules, on a light ground in either theme, since readers
//! want dark on light.

use qrcode::{Color, EcLevel, QrCode};
use std::fmt::Write;

/// Light modules around a code.
const QUIET: usize = 4;

/// A text as a QR code, with what it is for whoever cannot see it; none if it is too long for one.
pub(super) fn svg(text: &str, label: &str) -> Option<String> {
    let code = QrCode::with_error_correction_level(text.as_bytes(), EcLevel::M)
        .or_else(|_| QrCode::with_error_correction_level(text.as_bytes(), EcLevel::L))
        .ok()?;
    let width = code.width();
    let mut path = String::new();
    for (y, row) in code.to_colors().chunks(width).enumerate() {
        let mut x = 0;
        for run in row.chunk_by(|one, next| one == next) {
            if run.first() == Some(&Color::Dark) {
                // Writing to a string cannot fail.
                write!(path, "M{} {}h{n}v1h-{n}z", x + QUIET, y + QUIET, n = run.len()).ok();
            }
            x += run.len();
        }
    }
    let side = width + 2 * QUIET;
    let mut shown = String::new();
    html_escape::encode_double_quoted_attribute_to_string(label, &mut shown);
    Some(format!(
        r#"<svg class="qr" viewBox="0 0 {side} {side}" role="img" aria-label="{shown}" shape-rendering="crispEdges"><path d="{path}"/></svg>"#
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_draws_each_dark_module_once_and_no_other() {
        let text = "author-mb7cfrkfd5rzqn3pcbvjvx6nl5ztnipuuanxv3wcd4zgfx2fwwqa";
        let code = QrCode::with_error_correction_level(text.as_bytes(), EcLevel::M).unwrap();
        let width = code.width();
        let drawn = svg(text, "a \"code\"").unwrap();
        assert!(drawn.contains("aria-label=\"a &quot;code&quot;\""));
        let path = drawn.split(" d=\"").nth(1).unwrap().split('"').next().unwrap();
        let mut modules = vec![0; width * width];
        for run in path.split('M').skip(1) {
            let (at, rest) = run.split_once('h').unwrap();
            let (x, y) = at.split_once(' ').unwrap();
            let (x, y): (usize, usize) = (x.parse().unwrap(), y.parse().unwrap());
            let n: usize = rest.split('v').next().unwrap().parse().unwrap();
            for place in 0..n {
                modules[(y - QUIET) * width + x - QUIET + place] += 1;
            }
        }
        for (drawn, module) in modules.iter().zip(code.to_colors()) {
            assert_eq!(*drawn == 1, module == Color::Dark);
            assert!(*drawn <= 1);
        }
    }

    #[test]
    fn what_fits_no_code_has_none() {
        assert!(svg(&"x".repeat(2_950), "").is_some());
        assert!(svg(&"x".repeat(3_000), "").is_none());
    }
}
