//! Chapter 7: regularisation.

mod noisy;

use anyhow::Result;
use nearplane_models::linear::{Affine, LinearModel, Loss, Penalty, SgdParams};
use nearplane_report::{
    Axis, Color, Figure, Page, Plot, Section, Table, fixed, number, percent, prose,
};

use super::pictures::{largest, row, template};
use super::story::{PIXEL, Story};

pub(super) fn tell(page: &mut Page, story: &Story<'_>) -> Result<()> {
    story.at("7. regularisation")?;
    page.chapter(7, "Regularisation");
    page.section(penalties(story)?);
    page.section(spread());
    page.section(noisy::section(story)?);
    page.section(more(story)?);
    Ok(())
}

/// From hardly any to nearly everything.
const LAMBDAS: [f64; 6] = [1e-4, 1e-3, 1e-2, 1e-1, 1.0, 10.0];
/// Classes whose templates are shown.
const CLASSES: usize = 4;

fn norm(model: &LinearModel) -> f64 {
    model
        .weight()
        .iter()
        .map(|w| (f64::from(*w) / PIXEL).powi(2))
        .sum::<f64>()
}

fn penalties(story: &Story<'_>) -> Result<Section> {
    let affine = Affine::centered(story.settings.level, &story.fit.rows, PIXEL)?;
    let data = story.linear_data(&story.fit, affine)?;
    let mut templates = Figure::new(prose(
        "Templates of the softmax on pixels as lambda grows from 0.0001 to 10 (L2), tenfold at each step. Upper rows: on \
         one scale, so that they dissolve into the grey of 0. Lower rows: each on a scale of its own, which shows that \
         the noise between pixels goes first.",
        &[],
    ))
    .command(&story.command(&format!(
        "train --features raw --loss softmax --lambda 1e-4,1e-3,1e-2,1e-1,1,10 {} --out w.safetensors",
        story.sgd_flags()
    )));
    let (mut train, mut validation, mut norms) = (Vec::new(), Vec::new(), Vec::new());
    let mut numbers = Table::new(&[
        "lambda",
        "R(W) = Σ W²",
        "fitted images",
        "validation images",
    ]);
    let mut table = numbers.clone();
    let mut models: Vec<LinearModel> = Vec::new();
    let n_shown = CLASSES.min(story.names.len());
    for lambda in LAMBDAS {
        let model = story.sgd(&data, Loss::Softmax, lambda, &story.sgd_params())?;
        let fitted = story.judge(&model, &story.fit)?.value();
        let judged = story.judge(&model, &story.validation)?.value();
        train.push((lambda, fitted));
        validation.push((lambda, judged));
        norms.push((lambda, norm(&model)));
        numbers.row([
            lambda.into(),
            norm(&model).into(),
            fitted.into(),
            judged.into(),
        ]);
        table.row([
            number(lambda, 4).into(),
            fixed(norm(&model), 4).into(),
            percent(fitted).into(),
            percent(judged).into(),
        ]);
        models.push(model);
    }
    // Row by row a class, column by column a lambda.
    for (class, name) in story.names.iter().enumerate().take(n_shown) {
        let own = models
            .iter()
            .map(|model| template(model.template(class), None));
        let most = largest(models[0].template(class));
        let common = models
            .iter()
            .map(|model| template(model.template(class), Some(most)));
        let images: Vec<Vec<u8>> = common.chain(own).collect();
        let of_class: Vec<&[u8]> = images.iter().map(Vec::as_slice).collect();
        let heading = name.clone();
        let alt = format!(
            "six templates of the class {name}, fainter from left to right, and the same brightened"
        );
        templates = templates.picture(&heading, &row(&of_class, LAMBDAS.len()), 1.6, &alt);
    }
    let curves = Plot::new(
        "Accuracy over lambda",
        "accuracy on fitted and on validation images for six lambdas",
    )
    .x(Axis::new("lambda").log())
    .y(Axis::new("accuracy").percent())
    .line("fitted images", Color::Series(1), &train)
    .points("", Color::Series(1), 3.4, &train)
    .line("validation images", Color::Series(0), &validation)
    .points("", Color::Series(0), 3.4, &validation);
    let size = Plot::new(
        "Size of the weights over lambda",
        "the sum of squared weights falls as lambda grows",
    )
    .x(Axis::new("lambda").log())
    .y(Axis::new("Σ W²").log())
    .line("", Color::Series(3), &norms)
    .points("", Color::Series(3), 3.4, &norms);
    let figure = Figure::new(prose(
        "What lambda does to accuracy, and to the size of the weights.",
        &[],
    ))
    .plot("", &curves)
    .plot("", &size)
    .data("lambda", numbers);
    Ok(Section::new(7, 1, "A price on weights")
        .paragraph(prose(
            "Many W have the same loss; the simpler one should win. A penalty R(W) is added to the loss, lambda says \
             how much it counts. The bias is not penalised.",
            &[],
        ))
        .formula(prose("L(W) = (1/N) Σ~i~ L~i~ + λ R(W)", &[]))
        .list([
            prose("*L2*: R(W) = Σ W², which prefers small, spread weights", &[]),
            prose("*L1*: R(W) = Σ |W|, which prefers few weights that are not 0", &[]),
            prose("*Elastic net*: R(W) = Σ (β W² + |W|), both", &[]),
        ])
        .figure(templates)
        .figure(figure)
        .table(&table))
}

fn spread() -> Section {
    let x = [1.0; 4];
    let (w1, w2) = ([1.0, 0.0, 0.0, 0.0], [0.25; 4]);
    let dot = |w: [f64; 4]| w.iter().zip(x).map(|(w, x)| w * x).sum::<f64>();
    let elastic = Penalty::Elastic { beta: 1.0 };
    let mut table = Table::new(&["", "w · x", "L2", "L1", "elastic net, β = 1"]);
    for (name, w) in [("w₁ = (1, 0, 0, 0)", w1), ("w₂ = (¼, ¼, ¼, ¼)", w2)] {
        table.row([
            name.into(),
            number(dot(w), 2).into(),
            number(Penalty::L2.value(&w), 2).into(),
            number(Penalty::L1.value(&w), 2).into(),
            number(elastic.value(&w), 2).into(),
        ]);
    }
    let bars = |w: [f64; 4], shift: f64| -> Vec<(f64, f64, f64)> {
        w.iter()
            .enumerate()
            .map(|(i, w)| (i as f64 + shift, i as f64 + shift + 0.36, *w))
            .collect()
    };
    let plot = Plot::new(
        "Two weights",
        "w1 has one weight of 1 and three of 0, w2 has four of a quarter",
    )
    .size(440, 220)
    .x(Axis::new("pixel")
        .range(0.0, 4.0)
        .ticks((0..4).map(|i| (f64::from(i) + 0.5, (i + 1).to_string()))))
    .y(Axis::new("weight").range(0.0, 1.1))
    .bars("w₁", Color::Series(1), &bars(w1, 0.12))
    .bars("w₂", Color::Series(0), &bars(w2, 0.52));
    let mut data = Table::new(&["pixel", "w1", "w2"]);
    for i in 0..4 {
        data.row([(i + 1).into(), w1[i].into(), w2[i].into()]);
    }
    let figure = Figure::new(prose(
        "The same score from one pixel, and from all of them.",
        &[],
    ))
    .plot("", &plot)
    .data("spread", data);
    Section::new(7, 2, "L2 prefers spread weights")
        .paragraph(prose(
            "With x = (1, 1, 1, 1) both w₁ and w₂ give the score {}. The L2 penalty of w₁ is {}, that of w₂ only {}: \
             it would rather look at all pixels a little than trust one. L1 does not tell them apart: {} and {}.",
            &[
                number(dot(w1), 2),
                number(Penalty::L2.value(&w1), 2),
                number(Penalty::L2.value(&w2), 2),
                number(Penalty::L1.value(&w1), 2),
                number(Penalty::L1.value(&w2), 2),
            ],
        ))
        .table(&table)
        .figure(figure)
}

fn more(story: &Story<'_>) -> Result<Section> {
    let affine = Affine::centered(story.settings.level, &story.fit.rows, PIXEL)?;
    let data = story.linear_data(&story.fit, affine)?;
    let lambda = story.raw_fit(Loss::Softmax)?.lambda;
    let plain = story.sgd_params();
    let runs = [
        ("neither", plain, String::new()),
        (
            "dropout 0.2",
            SgdParams {
                dropout: 0.2,
                ..plain
            },
            " --dropout 0.2".to_owned(),
        ),
        (
            "dropout 0.5",
            SgdParams {
                dropout: 0.5,
                ..plain
            },
            " --dropout 0.5".to_owned(),
        ),
        (
            "normalisation",
            SgdParams {
                running_statistics: Some(0.05),
                ..plain
            },
            " --running-statistics 0.05".to_owned(),
        ),
    ];
    let mut table = Table::new(&[
        "softmax on pixels with",
        "fitted images",
        "validation images",
        "95 % from",
        "to",
    ]);
    let mut numbers = Table::new(&["with", "fitted", "validation"]);
    let (mut bars, mut intervals) = ((Vec::new(), Vec::new()), Vec::new());
    let mut ticks = Vec::new();
    for (i, (name, params, _)) in runs.iter().enumerate() {
        let model = story.sgd(&data, Loss::Softmax, lambda, params)?;
        let (fitted, judged) = (
            story.judge(&model, &story.fit)?,
            story.judge(&model, &story.validation)?,
        );
        let (low, high) = judged.wilson_95();
        table.row([
            (*name).into(),
            percent(fitted.value()).into(),
            percent(judged.value()).into(),
            percent(low).into(),
            percent(high).into(),
        ]);
        numbers.row([(*name).into(), fitted.value().into(), judged.value().into()]);
        let x = i as f64;
        bars.0.push((x + 0.14, x + 0.48, fitted.value()));
        bars.1.push((x + 0.52, x + 0.86, judged.value()));
        intervals.push((x + 0.69, low, high));
        ticks.push((i as f64 + 0.5, (*name).to_owned()));
    }
    let plot = Plot::new(
        "Dropout and normalisation",
        "accuracies of four ways to train the same softmax",
    )
    .size(440, 250)
    .x(Axis::new("").range(0.0, runs.len() as f64).ticks(ticks))
    .y(Axis::new("accuracy").percent())
    .bars("fitted images", Color::Series(1), &bars.0)
    .bars("validation images", Color::Series(0), &bars.1)
    .errors("95 % interval", Color::Ink, &intervals);
    let figure = Figure::new(prose(
        "The same softmax on pixels, lambda = {}, trained in four ways.",
        &[number(lambda, 6)],
    ))
    .plot("", &plot)
    .command(&story.command(&format!(
        "train --features raw --loss softmax --lambda {lambda} {}{} --out dropout.safetensors",
        story.sgd_flags(),
        runs[2].2
    )))
    .data("dropout", numbers);
    Ok(Section::new(7, 4, "More ways to hold a model back")
        .paragraph(prose(
            "The lecture names four more. *Dropout* leaves out a random part of the input in every step, so that no \
             pixel can be relied upon alone. *Batch normalisation* brings every feature to mean 0 and deviation 1 by \
             statistics that run along, which here are folded into W at the end. Both have a meaning for a linear \
             classifier. *Stochastic depth* and *fractional pooling* do not: they belong to networks of many layers.",
            &[],
        ))
        .figure(figure)
        .table(&table))
}
