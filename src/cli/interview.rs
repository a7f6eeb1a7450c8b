//! Asks the questions of the advisor: on a terminal with prompts, else line by line from standard input.
#![expect(clippy::print_stderr, reason = "the terminal is what this room is for")]

use std::io::{BufRead as _, IsTerminal as _};

use dialoguer::Input;

use super::exit::UserError;
use crate::advise::{Interview, Prompt};
use crate::scenario::visible;

/// How often nothing may come where an answer is awaited.
const PATIENCE: u32 = 3;

/// Asks what is open.
///
/// # Errors
/// Off a terminal a bad answer, or the end of input; on it when it is gone.
pub(super) fn ask(interview: &mut Interview) -> anyhow::Result<()> {
    if !std::io::stdin().is_terminal() {
        return read(interview);
    }
    // A terminal that can but write lines, and a screen reader, are asked line by line.
    let plain =
        std::env::var("TERM").is_ok_and(|t| t == "dumb") || !std::io::stderr().is_terminal();
    eprintln!("Empty answers take what stands in brackets. Ctrl-C ends this.\n");
    while let Some(prompt) = interview.next() {
        eprintln!("{}\n  {}", prompt.text, prompt.help);
        if plain {
            ask_plainly(interview, &prompt)?;
        } else {
            ask_with_prompt(interview, &prompt)?;
        }
    }
    Ok(())
}

/// One question by a prompt.
fn ask_with_prompt(interview: &mut Interview, prompt: &Prompt) -> anyhow::Result<()> {
    let trial = interview.clone();
    let text: String = Input::new()
        .with_prompt(prompt.key)
        .default(prompt.default.clone())
        .validate_with(move |text: &String| {
            let mut trial = trial.clone();
            trial.answer(prompt.key, text)
        })
        .interact()
        .map_err(|e| gone(&e.to_string()))?;
    let taken = interview.answer(prompt.key, &text);
    taken.map_err(|e| UserError::new(e).into())
}

/// One question by a line of text.
fn ask_plainly(interview: &mut Interview, prompt: &Prompt) -> anyhow::Result<()> {
    let mut nothing = 0;
    loop {
        eprint!("{} [{}]: ", prompt.key, prompt.default);
        let mut line = String::new();
        let read = std::io::stdin()
            .lock()
            .read_line(&mut line)
            .map_err(|e| gone(&e.to_string()))?;
        if read == 0 {
            nothing += 1;
            if nothing == PATIENCE {
                return Err(gone("end of input"));
            }
            eprintln!("There was no answer.");
            continue;
        }
        match interview.answer(prompt.key, &line) {
            Ok(()) => return Ok(()),
            Err(e) => eprintln!("{}", visible(&e)),
        }
    }
}

fn gone(why: &str) -> anyhow::Error {
    UserError::new(format!(
        "no answers come any more ({why}); flags say the same: pchsim advise --help"
    ))
    .into()
}

/// Answers from standard input, one a line, in the order of the questions.
fn read(interview: &mut Interview) -> anyhow::Result<()> {
    let mut lines = std::io::stdin().lock().lines();
    while let Some(prompt) = interview.next() {
        let Some(line) = lines.next() else {
            return Err(UserError::new(format!(
                "the answers on standard input end before `{}` ({} {})\nhelp: answer by flags (--workload hybrid --cores 4 ...: what is left out takes its default), by --answers FILE, or give a scenario",
                prompt.key, prompt.text, prompt.help
            ))
            .into());
        };
        let line = line.map_err(|e| UserError::new(format!("cannot read the answers: {e}")))?;
        interview
            .answer(prompt.key, &line)
            .map_err(|e| UserError::new(format!("{}: {e}", prompt.key)))?;
    }
    Ok(())
}
