//! Chapter 6: losses.

use anyhow::Result;
use nearplane_models::linear::{LinearData, Loss, Objective, Parameters, Penalty, softmax};
use nearplane_report::{
    Axis, Color, Figure, Fill, Page, Plot, Section, Table, fixed, number, prose,
};

use super::story::{Story, matrix};

const CLASSES: [&str; 3] = ["cat", "car", "frog"];
/// Scores of an image of each of these classes.
const SCORES: [[f64; 3]; 3] = [[3.2, 5.1, -1.7], [1.3, 4.9, 2.0], [2.2, 2.5, -3.1]];

pub(super) fn tell(page: &mut Page, story: &Story<'_>) -> Result<()> {
    story.at("6. losses")?;
    page.chapter(6, "Losses");
    page.section(dataset_loss(story)?);
    page.section(hinge(story)?);
    page.section(cross_entropy());
    page.section(side_by_side());
    Ok(())
}

/// (1/N) sum L_i of the three images: their scores as features of an identity.
fn mean(loss: Loss, scale: f64, story: &Story<'_>) -> Result<f64> {
    let scores: Vec<f32> = SCORES.iter().flatten().map(|s| *s as f32).collect();
    let data = LinearData::new(matrix(&scores, 3)?, &[0, 1, 2], 3)?;
    let mut weight = vec![0.0; 9];
    (0..3).for_each(|i| weight[4 * i] = scale);
    let config = story.config(loss, Penalty::None, 0.0)?;
    let at = Parameters {
        weight,
        bias: vec![0.0; 3],
    };
    Ok(Objective::new(&config, &data).evaluate(&at, None, None))
}

fn dataset_loss(story: &Story<'_>) -> Result<Section> {
    let mut table = Table::new(&[
        "model",
        "validation accuracy",
        "mean loss, fitted images",
        "mean loss, validation images",
    ]);
    for loss in [Loss::Svm, Loss::Softmax] {
        let fit = story.raw_fit(loss)?;
        let mean = |part: &super::story::Part<'_>| -> Result<f64> {
            let scores = fit.model.scores(story.settings.level, &part.rows)?;
            let rows = scores.chunks_exact(story.names.len()).zip(&part.labels);
            Ok(rows
                .map(|(scores, label)| loss.value(scores, *label as usize))
                .sum::<f64>()
                / part.len() as f64)
        };
        table.row([
            (if loss == Loss::Svm { "SVM" } else { "softmax" }).into(),
            nearplane_report::percent(fit.validation.value()).into(),
            fixed(mean(&story.fit)?, 3).into(),
            fixed(mean(&story.validation)?, 3).into(),
        ]);
    }
    Ok(Section::new(6, 1, "The loss of a data set")
        .paragraph(prose(
            "How bad is a W? A *loss* Lᵢ says it for one image, from its scores and its true class y; the loss of a \
             data set is the mean over all N images. Training is looking for the W of the least loss.",
            &[],
        ))
        .formula(prose("L = (1/N) Σ~i~ L~i~( f(x~i~, W), y~i~ )", &[]))
        .paragraph(prose(
            "For the two models of pixels whose templates are in section 4.3, on this run's images:",
            &[],
        ))
        .table(&table))
}

fn hinge(story: &Story<'_>) -> Result<Section> {
    let losses: Vec<f64> = SCORES
        .iter()
        .enumerate()
        .map(|(label, scores)| Loss::Svm.value(scores, label))
        .collect();
    let doubled: Vec<f64> = SCORES[1].iter().map(|s| 2.0 * s).collect();
    let after = Loss::Svm.value(&doubled, 1);
    let mut table = Table::new(&["score of", "cat's image", "car's image", "frog's image"]);
    for (class, name) in CLASSES.iter().enumerate() {
        let scores = SCORES.iter().map(|image| number(image[class], 1).into());
        table.row(std::iter::once((*name).into()).chain(scores));
    }
    table.row(
        std::iter::once("loss".into()).chain(losses.iter().map(|loss| number(*loss, 2).into())),
    );
    let margins = |label: usize| -> Vec<f64> {
        let others = (0..3).filter(|&j| j != label);
        others
            .map(|j| (SCORES[label][j] - SCORES[label][label] + 1.0).max(0.0))
            .collect()
    };
    let mut plot = Plot::new(
        "Hinge losses of three images",
        "the losses of the three images as stacked parts, one for each wrong class; that of the car is 0",
    )
    .size(440, 240)
    .x(Axis::new("").range(0.0, 3.0).ticks(CLASSES.iter().enumerate().map(|(i, name)| (i as f64 + 0.5, format!("image of a {name}")))))
    .y(Axis::new("loss").range(0.0, 14.5));
    for (label, loss) in losses.iter().enumerate() {
        let mut foot = 0.0;
        let others = (0..3).filter(|&j| j != label);
        for (class, margin) in others.zip(margins(label)) {
            let x = label as f64;
            let top = foot + margin;
            let bar = [(x + 0.5, foot, top)];
            plot = plot.columns(
                &format!("from {}", CLASSES[class]),
                Color::Series(class),
                0.56,
                &bar,
            );
            foot = top;
        }
        plot = plot.label(
            Color::Ink,
            label as f64 + 0.5,
            loss + 0.75,
            &format!("{loss:.1}"),
        );
    }
    let mut data = Table::new(&["image", "loss"]);
    for (name, loss) in CLASSES.iter().zip(&losses) {
        data.row([(*name).into(), number(*loss, 6).into()]);
    }
    let figure = Figure::new(prose(
        "Each wrong class adds what it comes too near, or lies above, the right one.",
        &[],
    ))
    .plot("", &plot)
    .data("hinge", data);
    Ok(Section::new(6, 2, "Multiclass SVM")
        .paragraph(prose(
            "The right class should score higher than every other, by a margin of 1 at least; what is missing is the \
             loss.",
            &[],
        ))
        .formula(prose("L~i~ = Σ~j≠y~ max(0, s~j~ − s~y~ + 1)", &[]))
        .table(&table)
        .paragraph(prose(
            "The losses are {}, {} and {}, their mean {} (15.8 / 3). An image that is right by the margin costs \
             nothing, and so W is not the only one: with twice the W, the scores of the car become ({}, {}, {}), and \
             it still loses {}. That freedom is what regularisation will take away.",
            &[
                number(losses[0], 2),
                number(losses[1], 2),
                number(losses[2], 2),
                fixed(mean(Loss::Svm, 1.0, story)?, 2),
                number(doubled[0], 1),
                number(doubled[1], 1),
                number(doubled[2], 1),
                number(after, 2),
            ],
        ))
        .figure(figure))
}

fn cross_entropy() -> Section {
    let scores = SCORES[0];
    let exponentials = scores.map(f64::exp);
    let probabilities = softmax(&scores);
    let loss = Loss::Softmax.value(&scores, 0);
    let mut table = Table::new(&["class", "score s", "exp(s)", "probability", "−log of it"]);
    for (class, name) in CLASSES.iter().enumerate() {
        table.row([
            (*name).into(),
            number(scores[class], 1).into(),
            fixed(exponentials[class], 2).into(),
            fixed(probabilities[class], 4).into(),
            fixed(Loss::Softmax.value(&scores, class), 2).into(),
        ]);
    }
    let few = [0.9f64, 0.1, 0.01];
    let product: f64 = few.iter().map(|p| p.ln()).sum::<f64>().exp();
    let huge = [1000.0, 0.0, -1000.0];
    let bars = |values: &[f64]| -> Vec<(f64, f64, f64)> {
        values
            .iter()
            .enumerate()
            .map(|(i, v)| (i as f64 + 0.2, i as f64 + 0.8, *v))
            .collect()
    };
    let ticks = || {
        CLASSES
            .iter()
            .enumerate()
            .map(|(i, name)| (i as f64 + 0.5, (*name).to_owned()))
    };
    let step = |title: &str, color: usize, values: &[f64]| {
        let alt: Vec<String> = CLASSES
            .iter()
            .zip(values)
            .map(|(name, v)| format!("{name} {v:.2}"))
            .collect();
        Plot::new(title, &alt.join(", "))
            .size(250, 220)
            .x(Axis::new("").range(0.0, 3.0).ticks(ticks()))
            .y(Axis::new(""))
            .bars("", Color::Series(color), &bars(values))
            .rule_y(Color::Muted, 0.0, "")
    };
    let mut data = Table::new(&["class", "score", "exponential", "probability"]);
    for (class, name) in CLASSES.iter().enumerate() {
        data.row([
            (*name).into(),
            scores[class].into(),
            exponentials[class].into(),
            probabilities[class].into(),
        ]);
    }
    let figure = Figure::new(prose(
        "Step by step: scores, their exponentials, and these divided by their sum.",
        &[],
    ))
    .small_plot("scores", &step("scores", 0, &scores))
    .small_plot("exponentials", &step("exponentials", 1, &exponentials))
    .small_plot("probabilities", &step("probabilities", 2, &probabilities))
    .data("softmax", data);
    Section::new(6, 3, "Softmax and cross-entropy")
        .paragraph(prose("Scores can be read as probabilities: make them positive, then let them sum to 1.", &[]))
        .formula(prose("P(k | x) = exp(s~k~) / Σ~j~ exp(s~j~)", &[]))
        .formula(prose("L~i~ = −log P(y~i~ | x~i~)", &[]))
        .figure(figure)
        .table(&table)
        .paragraph(prose(
            "For the image of the cat the probabilities are {}, {} and {} (the slide rounds roughly, to 0.2, 0.8 and \
             0.0), and the loss is −log {} = {}.",
            &[
                fixed(probabilities[0], 4),
                fixed(probabilities[1], 4),
                fixed(probabilities[2], 4),
                fixed(probabilities[0], 4),
                fixed(loss, 2),
            ],
        ))
        .paragraph(prose(
            "Why logarithms? What a model says of several images at once is a product of probabilities, and products \
             vanish: {} · {} · {} = {}, and after some hundred factors the computer has 0. Sums of logarithms do not: \
             {} + {} + {} = {}. The loss is computed so that no exponential overflows either: scores of 1000, 0 and \
             −1000 cost {} where the first is right, and {} where the last one is.",
            &[
                number(few[0], 2),
                number(few[1], 2),
                number(few[2], 2),
                number(product, 6),
                fixed(few[0].ln(), 3),
                fixed(few[1].ln(), 3),
                fixed(few[2].ln(), 3),
                fixed(product.ln(), 3),
                number(Loss::Softmax.value(&huge, 0), 2),
                number(Loss::Softmax.value(&huge, 2), 2),
            ],
        ))
}

fn side_by_side() -> Section {
    let (mut svm, mut cross) = (Vec::new(), Vec::new());
    let mut data = Table::new(&["score of the cat", "svm", "softmax"]);
    for step in 0..=120 {
        let score = -1.0 + 0.1 * f64::from(step);
        let scores = [score, SCORES[0][1], SCORES[0][2]];
        let (a, b) = (Loss::Svm.value(&scores, 0), Loss::Softmax.value(&scores, 0));
        svm.push((score, a));
        cross.push((score, b));
        data.row([number(score, 1).into(), a.into(), b.into()]);
    }
    let (at_svm, at_softmax) = (
        Loss::Svm.value(&SCORES[0], 0),
        Loss::Softmax.value(&SCORES[0], 0),
    );
    let zero = SCORES[0][1] + 1.0;
    let plot = Plot::new(
        "SVM beside softmax",
        "both losses fall as the score of the right class rises; the hinge is 0 from a margin of 1 on, the \
         cross-entropy never is",
    )
    .x(Axis::new("score of the cat (car 5.1, frog −1.7)"))
    .y(Axis::new("loss of the image of the cat"))
    .line("SVM", Color::Series(1), &svm)
    .line("softmax", Color::Series(2), &cross)
    .points("the worked example", Color::Series(0), 5.0, &[(SCORES[0][0], at_svm), (SCORES[0][0], at_softmax)])
    .rule_x(Color::Muted, zero, "margin reached");
    let far = [zero + 4.0, SCORES[0][1], SCORES[0][2]];
    let figure = Figure::new(prose(
        "The score of the right class goes up, the others stay.",
        &[],
    ))
    .plot("", &plot)
    .data("svm-beside-softmax", data);
    Section::new(6, 4, "SVM beside softmax")
        .paragraph(prose(
            "On the same scores ({}, {}, {}) of the cat the SVM loses {}, the softmax {}. The SVM is content at {}: \
             beyond that nothing changes ({} at a score of {}). The softmax is never quite content: it still loses \
             {} there, and would always have the right class a little higher.",
            &[
                number(SCORES[0][0], 1),
                number(SCORES[0][1], 1),
                number(SCORES[0][2], 1),
                number(at_svm, 2),
                fixed(at_softmax, 2),
                number(zero, 1),
                number(Loss::Svm.value(&far, 0), 2),
                number(far[0], 1),
                fixed(Loss::Softmax.value(&far, 0), 4),
            ],
        ))
        .figure(figure)
        .note(prose("In practice they come to much the same accuracy, as the leaderboard of section 5.3 shows; {}", &[
            Fill::Text("softmax gives probabilities besides.".to_owned()),
        ]))
}
