/** @file src/cli/program.h
 * A program with subcommands, as tables: from one row each come the choice of the command, the usage, `--help`, the
 * man page's lists and the completion of the shell. What every program of ours does alike is here too: exit codes, and
 * errors as one line.
 */
#ifndef BP_CLI_PROGRAM_H
#define BP_CLI_PROGRAM_H

#include "cli/option.h"

enum {
    BP__EXIT_DONE = 0,
    BP__EXIT_FAILED = 1,
    BP__EXIT_USAGE = 2,
    BP__EXIT_AGAIN = 75, /**< stopped, and can go on; EX_TEMPFAIL of sysexits.h */
};

typedef struct bp__command {
    const char *name;      /**< NULL: what the program does where no command is named */
    const char *arguments; /**< as in the usage line: "csvdir DIR NAME" */
    const char *launcher;  /**< what stands before the program there: "mpirun -n RANKS ", or NULL */
    unsigned use;          /**< its bit in bp__option.uses */
    int min_args, max_args;
    bp_status (*run)(const void *target); /**< NULL where the program has its own way to run it */
    const char *summary;                  /**< a line for the list of commands */
    const char *help;  /**< what it does, in lines of at most 100 columns; NULL where the program's says it */
    const char *notes; /**< what stands behind the options, or NULL */
    const char *examples; /**< lines, each indented by two columns */
} bp__command;

typedef struct bp__program {
    const char *name;
    const char *help;           /**< what it is for, in lines of at most 100 columns */
    const char *exit_codes;     /**< a line or two */
    const char *examples;       /**< as of a command; used where no command is nameless */
    const bp__command *command; /**< [num_commands] */
    size_t num_commands;
    const bp__option *option; /**< [num_options] */
    size_t num_options;
} bp__program;

/** Which command a command line asks for: that which argv[1] names, else the nameless one.
 *  @param[out] command  borrowed
 *  @retval BP_EINVAL  argv[1] names none, or is missing */
bp_status bp__program_command(const bp__program *program, int argc, char **argv, const bp__command **command);

/** Read the options of a command. How many arguments there are is checked apart: `--help` does not ask for any.
 *
 * @param[in,out] target  what the rows' `set` write to
 * @param[out]    arg     the arguments, [*num_args], borrowed from argv, which is permuted
 * @retval BP_EINVAL  the text names the option or the argument
 * @retval any        of a row's `set` */
bp_status bp__program_read(const bp__program *program, const bp__command *command, int argc, char **argv,
                           void *target, char ***arg, int *num_args);

/** @retval BP_EINVAL  too few or too many arguments for the command */
bp_status bp__program_check_args(const bp__program *program, const bp__command *command, char **arg,
                                 int num_args);

/** Answer what the first argument asks of the program as a whole: --help, --version (with --json: how it was built),
 *  --completion (for bash), --man (the options, in the language of man(7)). @param[in] print  false: another process of the same job answers
 *  @return whether it asks that */
bool bp__program_tell(const bp__program *program, int argc, char **argv, bool print);

/** @param[in] command  NULL: of the program as a whole, where each of its commands has a name */
void bp__program_help(const bp__program *program, const bp__command *command);

void bp__program_version(const bp__program *program, bool json);

/** "PROGRAM: error: TEXT" with bp_error_text(), one line on stderr, and further ones where the text has several; wrong
 *  usage is told where to read on.
 *  @return `code` */
int bp__program_error(const bp__program *program, int code);

/** What was printed must have got where it should. @retval BP_EIO  it has not */
bp_status bp__check_stdout(void);

#endif
