//! Plots and pages as a browser takes them: well formed, escaped, whole, the same bytes every time.

use nearplane_report::{
    Axis, Color, Figure, Html, Page, Picture, Plot, Section, Table, fixed, prose,
};

/// Every element is closed, in the right order; attributes are quoted.
fn check_well_formed(markup: &str) {
    let mut open: Vec<&str> = Vec::new();
    let mut rest = markup;
    while let Some(start) = rest.find('<') {
        rest = &rest[start + 1..];
        let end = rest.find('>').expect("a tag ends");
        let tag = &rest[..end];
        rest = &rest[end + 1..];
        let name = tag
            .trim_start_matches('/')
            .split([' ', '/'])
            .next()
            .unwrap();
        if tag.starts_with('!') {
            continue;
        }
        if tag.starts_with('/') {
            assert_eq!(open.pop(), Some(name), "</{name}> closes another element");
            continue;
        }
        assert_eq!(tag.matches('"').count() % 2, 0, "<{tag}>");
        if tag.ends_with('/') {
            continue;
        }
        open.push(name);
        // What these hold is not markup.
        if ["script", "style"].contains(&name) {
            let end = format!("</{name}>");
            rest = &rest[rest.find(&end).expect("it ends")..];
        }
    }
    assert!(open.is_empty(), "{open:?} stay open");
}

/// One of everything, with numbers that have no place among them.
fn plot() -> Plot {
    let bars = [
        (0.0, 1.0, 3.0),
        (1.0, f64::NAN, 2.0),
        (2.0, 3.0, f64::INFINITY),
    ];
    let points = [(0.5, 1.0), (f64::NAN, 1.0), (2.5, -1.0)];
    let picture = Picture::new(2, 2, vec![9; 12]);
    Plot::new("A <title>", "\"quoted\" & described")
        .x(Axis::new("x < 1").ticks([(1.0, "<one>".to_owned())]))
        .y(Axis::new("y"))
        .regions(
            2,
            &[
                Some(Color::Tie),
                None,
                Some(Color::Series(3)),
                Some(Color::Series(3)),
            ],
        )
        .band("band", Color::Series(1), &bars)
        .bars("bars", Color::Series(2), &bars)
        .columns("columns", Color::Series(4), 0.5, &bars)
        .lying_bars("lying", Color::Series(5), &bars)
        .lying_errors(Color::Ink, &bars)
        .swatches(&bars, &[[1, 2, 3]; 3])
        .line("line", Color::Series(0), &points)
        .dashed("dashed", Color::Series(11), &points)
        .points("points", Color::Series(1), 3.0, &points)
        .points("", Color::Series(2), 3.0, &points)
        .points("", Color::Series(3), 3.0, &points)
        .errors("errors", Color::Muted, &bars)
        .cell(Color::Good, 0.0, 0.0, 2.0, "<9>")
        .picture(&picture, (0.0, 0.0), (1.0, 1.0))
        .frame(Color::Bad, 0.0, 0.0, 1.0)
        .rule_x(Color::Muted, 1.0, "here & there")
        .rule_y(Color::Muted, f64::NAN, "nowhere")
        .arrow(Color::Ink, (0.0, 0.0), (1.0, 1.0))
        .label(Color::Ink, 1.0, 1.0, "<word>")
}

#[test]
fn a_plot_is_well_formed_and_has_no_number_that_is_none() {
    let svg = plot().to_svg();
    check_well_formed(&svg);
    for word in ["NaN", "inf", "<one>", "<word>", "<9>", "x < 1"] {
        let outside = svg.replace("\"quoted\"", "");
        assert!(!outside.contains(word), "{word}");
    }
    assert!(svg.contains("<title>A &lt;title&gt;</title>"));
    assert!(svg.contains("role=\"img\"") && svg.contains("prefers-color-scheme:dark"));
    assert_eq!(svg, plot().to_svg());
    // On a page the style is there once, for all plots.
    assert!(!plot().html().as_str().contains("<style>"));
}

#[test]
fn lines_break_where_there_is_no_place() {
    let svg = Plot::new("t", "a")
        .line(
            "",
            Color::Series(0),
            &[(0.0, 0.0), (1.0, 1.0), (2.0, f64::NAN), (3.0, 1.0)],
        )
        .to_svg();
    let (_, d) = svg.split_once("class=\"ln c0\" d=\"").unwrap();
    let d = d.split_once('"').unwrap().0;
    assert_eq!(
        (d.matches('M').count(), d.matches('L').count()),
        (2, 1),
        "{d}"
    );
}

#[test]
fn values_are_where_their_axis_says() {
    let svg = Plot::new("t", "a")
        .size(104, 108)
        .x(Axis::hidden().range(0.0, 10.0))
        .y(Axis::hidden().range(0.0, 10.0))
        .points("", Color::Series(0), 2.0, &[(0.0, 0.0), (10.0, 10.0)])
        .to_svg();
    // Margins: 4 on the left and below, 12 on the right, 9 on top.
    assert!(svg.contains("cx=\"4\" cy=\"104\""), "{svg}");
    assert!(svg.contains("cx=\"92\" cy=\"9\""), "{svg}");
}

fn page() -> String {
    let mut data = Table::new(&["name", "value"]);
    data.row(["</script><script>alert(1)</script>".into(), 0.1.into()]);
    let picture = Picture::new(3, 1, vec![200; 9]);
    let figure = Figure::new(prose("About {}.", &["<i>".into()]))
        .plot("a plot", &plot())
        .small_plot("", &plot())
        .picture("a picture", &picture, 4.0, "three \"pixels\"")
        .command("nearplane knn --data '<dir>'")
        .data("numbers", data);
    let mut page = Page::new("A & B");
    page.lead(Html::element("p", &[], Html::text("lead")));
    page.chapter(1, "First <chapter>");
    page.section(
        Section::new(1, 1, "Numbers <here>")
            .paragraph(prose("*{}* is `it`", &[fixed(-96.8, 1)]))
            .formula(prose("s~j~", &[]))
            .figure(figure)
            .list([Html::text("a"), Html::text("b")])
            .code("a < b")
            .note(Html::text("note")),
    );
    page.section(
        Section::new(1, 2, "More").figure(Figure::new(Html::text("Wide.")).wide_plot(&plot())),
    );
    page.html()
}

#[test]
fn a_page_is_well_formed_and_the_same_every_time() {
    let html = page();
    check_well_formed(&html);
    assert_eq!(html, page());
    for part in [
        "<section id=\"lecture-1-1\">",
        "<a href=\"#lecture-1-2\"",
        "<data value=\"-96.8\">\u{2212}96.8</data>",
        "<sub>j</sub>",
        "Figure 2. ",
        "data-of=\"data-1\"",
        "nearplane knn --data &#39;&lt;dir&gt;&#39;",
        "alt=\"three &quot;pixels&quot;\"",
    ] {
        assert!(html.contains(part), "{part}");
    }
    assert!(
        !html.contains("alert(1)</script>"),
        "data left their script"
    );
}

#[test]
fn a_page_asks_nobody_for_anything() {
    let html = page().replace("xmlns=\"http://www.w3.org/2000/svg\"", "");
    assert!(html.contains("default-src &#39;none&#39;"));
    for word in ["http:", "https:", "//cdn", "url(", "@import", "fetch("] {
        assert!(!html.contains(word), "{word}");
    }
    for attribute in [" src=\"", " href=\""] {
        for value in html.split(attribute).skip(1) {
            assert!(value.starts_with("data:") || value.starts_with('#'));
        }
    }
}
