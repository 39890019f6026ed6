//! The icons: strokes on a grid of 24, drawn for these pages. They say nothing to a screen reader; the
//! word beside them does.

/// An icon as an element, ready to stand in a page.
pub(super) fn icon(name: &str) -> String {
    let strokes = match name {
        "home" => "M4 11l8-7 8 7v8a1 1 0 0 1-1 1h-4v-6H9v6H5a1 1 0 0 1-1-1z",
        "search" => "M10.5 4a6.5 6.5 0 1 1 0 13 6.5 6.5 0 0 1 0-13zM15.5 15.5L20 20",
        "bag" => "M5 8h14l-1 12H6zM9 8V7a3 3 0 0 1 6 0v1",
        "orders" => "M6 3h9l4 4v14H6zM14 3v5h5M9 12h7M9 16h5",
        "money" => "M3 7h18v11H3zM3 11h18M7 15h3",
        "people" => {
            "M9 11a3.5 3.5 0 1 1 0-7 3.5 3.5 0 0 1 0 7zM3 20c0-4 2.6-6 6-6s6 2 6 6M16 4.5a3 3 0 0 1 0 6M17.5 14.2c2.3.6 3.5 2.5 3.5 5.3"
        }
        "shop" => {
            "M4 9l1.500-5h13L20 9M4 9c0 3 4 3 4 0 0 3 4 3 4 0 0 3 4 3 4 0 0 3 4 3 4 0M5.500 12v8h13v-8M10 20v-4h4v4"
        }
        "network" => {
            "M12 8a2.500 2.500 0 1 1 0-5 2.500 2.500 0 0 1 0 5zM5.500 21a2.500 2.500 0 1 1 0-5 2.500 2.500 0 0 1 0 5zM18.500 21a2.500 2.500 0 1 1 0-5 2.500 2.500 0 0 1 0 5zM12 8v4M12 12l-5 4.300M12 12l5 4.300"
        }
        "settings" => "M4 7h9M17 7h3M15 5v4M4 17h3M11 17h9M9 15v4M4 12h3",
        "bell" => "M6 16V11a6 6 0 1 1 12 0v5l1.500 2h-15zM10 20.500h4",
        "more" => "M5 12h.01M12 12h.01M19 12h.01",
        "reply" => "M9 6L4 11l5 5M4 11h9a6 6 0 0 1 6 6v2",
        "reshare" => "M7 7h10l-3-3M17 17H7l3 3M17 7v5M7 17v-5",
        "heart" => {
            "M12 20s-7.500-4.600-7.500-10A4.200 4.200 0 0 1 12 7.200 4.200 4.200 0 0 1 19.500 10c0 5.400-7.500 10-7.500 10z"
        }
        "check" => "M5 12.500l4.500 4.500L19 7.500",
        "clock" => "M12 4a8 8 0 1 1 0 16 8 8 0 0 1 0-16zM12 8v4.500l3 2",
        "shield" => "M12 3l7 3v5c0 5-3 8-7 10-4-2-7-5-7-10V6zM9 12l2 2 4-4",
        "warn" => "M12 4l9 16H3zM12 10v4M12 17h.01",
        "link" => {
            "M10 14a4 4 0 0 0 6 .4l3-3a4 4 0 0 0-5.700-5.700l-1.500 1.500M14 10a4 4 0 0 0-6-.4l-3 3a4 4 0 0 0 5.700 5.700l1.500-1.500"
        }
        "print" => "M7 9V4h10v5M7 17H4v-7h16v7h-3M7 14h10v6H7z",
        "grid" => "M4 4h7v7H4zM13 4h7v7h-7zM4 13h7v7H4zM13 13h7v7h-7z",
        "list" => "M4 6h16M4 12h16M4 18h16",
        "close" => "M6 6l12 12M18 6L6 18",
        "add" => "M12 5v14M5 12h14",
        "edit" => "M4 20l1-4L16 5l3 3L8 19zM14 7l3 3",
        "star" => {
            "M12 4l2.500 5.200 5.700.8-4.100 4 1 5.700-5.100-2.700-5.100 2.700 1-5.700-4.100-4 5.700-.8z"
        }
        "truck" => {
            "M3 6h11v11H3zM14 10h4l3 3v4h-7M7 20a2 2 0 1 1 0-4 2 2 0 0 1 0 4zM17 20a2 2 0 1 1 0-4 2 2 0 0 1 0 4z"
        }
        "phone" => "M8 3h8a1 1 0 0 1 1 1v16a1 1 0 0 1-1 1H8a1 1 0 0 1-1-1V4a1 1 0 0 1 1-1zM11 18h2",
        "picture" => "M4 5h16v14H4zM4 16l5-5 4 4 3-3 4 4M15 9h.01",
        _ => "M12 4a8 8 0 1 1 0 16 8 8 0 0 1 0-16z",
    };
    format!(
        r#"<svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false"><path d="{strokes}"/></svg>"#
    )
}
