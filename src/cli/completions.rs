//! `pchsim completions SHELL`: the script by which a shell completes pchsim's command lines.
//!
//! The scripts know nothing themselves: at each Tab they run the program with `PCHSIM_COMPLETE` set, and `answer` says what may come next
//! (see `candidates`). So names of scenarios, strategies and profiles are those of the program that is installed, and of the files that
//! are there; whatever else may stand in an argument is not refused.

use std::ffi::OsString;
use std::io::{self, Write};
use std::path::Path;

use clap::{Args as ClapArgs, Command, ValueEnum};
use clap_complete::env::{self, CompleteEnv, EnvCompleter, Shells};

use super::Printer;

/// By this variable a script asks for completions; it names the shell.
const VARIABLE: &str = "PCHSIM_COMPLETE";

/// What `pchsim completions` is told.
#[derive(Clone, Copy, Debug, ClapArgs)]
#[command(after_long_help = "Where the script goes:
  bash         pchsim completions bash > ~/.local/share/bash-completion/completions/pchsim
  zsh          pchsim completions zsh > DIR/_pchsim, where DIR is one of those in $fpath
  fish         pchsim completions fish > ~/.config/fish/completions/pchsim.fish
  powershell   pchsim completions powershell >> $PROFILE
  elvish       pchsim completions elvish >> ~/.config/elvish/rc.elv

The script asks the pchsim on PATH: write it anew after an update.")]
pub(crate) struct Args {
    /// For which shell
    #[arg(value_enum)]
    pub shell: Shell,
}

/// Shells that can be told how to complete.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Shell {
    /// Bash
    Bash,
    /// Zsh
    Zsh,
    /// Fish
    Fish,
    /// PowerShell
    Powershell,
    /// Elvish
    Elvish,
}

impl Shell {
    fn completer(self) -> &'static dyn EnvCompleter {
        match self {
            Self::Bash => &Bash,
            Self::Zsh => &env::Zsh,
            Self::Fish => &env::Fish,
            Self::Powershell => &env::Powershell,
            Self::Elvish => &env::Elvish,
        }
    }
}

/// Prints the script.
///
/// # Errors
/// Standard output cannot be written.
#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "called as every subcommand is"
)]
pub(crate) fn run(args: &Args, printer: &Printer) -> anyhow::Result<u8> {
    let mut script = Vec::new();
    let completer = args.shell.completer();
    completer.write_registration(VARIABLE, "pchsim", "pchsim", "pchsim", &mut script)?;
    let script = script.trim_ascii();
    let more = if args.shell == Shell::Zsh {
        ZSH_AUTOLOADED
    } else {
        ""
    };
    printer.result_with(|w| {
        w.write_all(script)?;
        Ok(writeln!(w, "{more}")?)
    })?;
    Ok(0)
}

/// Where zsh has the script as a function on its `fpath`, the first call only defines what the next ones find; so it calls that itself.
const ZSH_AUTOLOADED: &str = r#"
if [[ $funcstack[1] == _pchsim ]]; then
    _clap_dynamic_completer_pchsim "$@"
fi"#;

/// Answers a shell that asks for completions; `false` when none does.
pub(super) fn answer(command: fn() -> Command) -> Result<bool, clap::Error> {
    CompleteEnv::with_factory(command)
        .var(VARIABLE)
        .completer("pchsim")
        .shells(Shells(&[
            &Bash,
            &env::Zsh,
            &env::Fish,
            &env::Powershell,
            &env::Elvish,
        ]))
        .try_complete(std::env::args_os(), std::env::current_dir().ok().as_deref())
}

/// Bash, whose words end at colons and equals signs: clap's script would complete `processes:4:` as three words. This one puts together
/// what has no space between, and gives back only what follows the last such sign, as readline wants it. It also quotes what it
/// gives back, and asks the very program that is being typed.
#[derive(Clone, Copy, Debug)]
struct Bash;

/// What is in capitals between signs of percent is put in.
const BASH: &str = r#"_%NAME%_complete() {
    local IFS=$'\013' line=${COMP_LINE:0:COMP_POINT} words=() i word rest
    for ((i = 0; i <= COMP_CWORD; i++)); do
        rest=${line#"${line%%[![:space:]]*}"}
        word=${COMP_WORDS[i]}
        ((i == COMP_CWORD)) && word=$rest
        if ((i > 0)) && [[ -n $rest && $rest == "$line" ]]; then
            words[${#words[@]} - 1]+=$word
        else
            words+=("$word")
        fi
        line=${rest#"$word"}
    done

    # Without quotes: the word so far, and that part of it which readline replaces.
    local at=$((${#words[@]} - 1)) quote= replaced=$2
    case ${words[at]} in
        [\"\']*) quote=${words[at]:0:1} words[at]=${words[at]:1} replaced=${replaced#"$quote"} ;;
        *) words[at]=${words[at]//\\/} replaced=${replaced//\\/} ;;
    esac
    # With the cursor right behind such a sign that is the word, and stays.
    [[ $replaced == [:=] ]] && replaced=
    local before=${words[at]%"$replaced"}
    COMPREPLY=($(_CLAP_IFS="$IFS" _CLAP_COMPLETE_INDEX="$at" %VAR%=bash "$1" -- "${words[@]}" 2>/dev/null)) || COMPREPLY=()

    for i in "${!COMPREPLY[@]}"; do
        word=${COMPREPLY[i]#"$before"}
        [[ -n $quote ]] || printf -v word %q "$word"
        COMPREPLY[i]=$word
    done
    # What ends so goes on.
    if ((${#COMPREPLY[@]} == 1)) && [[ ${COMPREPLY[0]} == *[/:=] ]]; then
        compopt -o nospace 2>/dev/null
    fi
}
if ((BASH_VERSINFO[0] > 4 || BASH_VERSINFO[0] == 4 && BASH_VERSINFO[1] >= 4)); then
    complete -o nosort -F _%NAME%_complete %BIN%
else
    complete -F _%NAME%_complete %BIN%
fi
"#;

impl EnvCompleter for Bash {
    fn name(&self) -> &'static str {
        "bash"
    }

    fn is(&self, name: &str) -> bool {
        name == self.name()
    }

    fn write_registration(
        &self,
        var: &str,
        name: &str,
        bin: &str,
        _completer: &str,
        buf: &mut dyn Write,
    ) -> io::Result<()> {
        let script = BASH
            .replace("%NAME%", &name.replace('-', "_"))
            .replace("%VAR%", var)
            .replace("%BIN%", bin);
        buf.write_all(script.as_bytes())
    }

    fn write_complete(
        &self,
        cmd: &mut Command,
        args: Vec<OsString>,
        current_dir: Option<&Path>,
        buf: &mut dyn Write,
    ) -> io::Result<()> {
        env::Bash.write_complete(cmd, args, current_dir, buf)
    }
}
