#include "cli/program.h"

#include <errno.h>
#include <string.h>

#include "core/log.h"
#include "core/text.h"
#include "core/version.h"

#define HELP_COLUMN 12

bp_status bp__program_command(const bp__program *program, int argc, char **argv, const bp__command **command)
{
    const char *name = argc > 1 ? argv[1] : NULL;
    *command = NULL;
    for (size_t i = 0; i < program->num_commands; i++) {
        const bp__command *c = &program->command[i];
        if (c->name && name && strcmp(c->name, name) == 0) return *command = c, BP_OK;
        if (!c->name) *command = c; /* unless a later one is named */
    }
    if (*command) return BP_OK;
    if (!name) BP_FAIL(BP_EINVAL, "a command is missing");
    BP_FAIL(BP_EINVAL, name[0] == '-' ? "unknown option '%.80s'" : "unknown command '%.80s'", name);
}

static const char *full_name(const bp__program *program, const bp__command *command, char text[64])
{
    snprintf(text, 64, "%s%s%s", program->name, command->name ? " " : "", command->name ? command->name : "");
    return text;
}

bp_status bp__program_read(const bp__program *program, const bp__command *command, int argc, char **argv,
                           void *target, char ***arg, int *num_args)
{
    char what[64];
    int rest;
    if (command->name) argc--, argv++; /* its name stands where the program's is expected */
    BP_TRY(bp__options_read(program->option, program->num_options, full_name(program, command, what),
                            command->use, argc, argv, target, &rest));
    *arg = argv + rest;
    *num_args = argc - rest;
    return BP_OK;
}

bp_status bp__program_check_args(const bp__program *program, const bp__command *command, char **arg,
                                 int num_args)
{
    const char *what = command->name ? command->name : program->name;
    if (num_args < command->min_args)
        BP_FAIL(BP_EINVAL, "%s: an argument is missing; it takes %s", what, command->arguments);
    if (num_args > command->max_args)
        BP_FAIL(BP_EINVAL, "%s: unexpected argument '%.80s'", what, arg[command->max_args]);
    return BP_OK;
}

/* Help ------------------------------------------------------------------------------------------ */

static void put_usage(const bp__program *program, const bp__command *command, const char *before)
{
    char what[64];
    printf("%s%s%s%s%s [options]\n", before, command->launcher ? command->launcher : "",
           full_name(program, command, what), *command->arguments ? " " : "", command->arguments);
}

static void put_commands(const bp__program *program)
{
    const char *before = "Usage: ";
    for (size_t i = 0; i < program->num_commands; i++, before = "       ")
        put_usage(program, &program->command[i], before);
    printf("\n%s\n\nCommands:\n", program->help);
    for (size_t i = 0; i < program->num_commands; i++) {
        const bp__command *c = &program->command[i];
        const int column = c->name ? printf("  %s", c->name) : printf("  (none)");
        printf("%*s", HELP_COLUMN - column, "");
        bp__wrap(stdout, c->summary, HELP_COLUMN, HELP_COLUMN);
    }
    printf("'%s COMMAND --help' tells a command's options and gives examples.\n", program->name);
}

void bp__program_help(const bp__program *program, const bp__command *command)
{
    if (command && command->name) {
        put_usage(program, command, "Usage: ");
        printf("\n%s\n", command->help);
    } else {
        put_commands(program);
    }
    if (command) bp__options_help(stdout, program->option, program->num_options, command->use);
    if (command && command->notes) printf("\n%s\n", command->notes);
    printf("\n%s\n\nExamples:\n%s", program->exit_codes, command ? command->examples : program->examples);
}

static void put_man(const bp__program *program)
{
    unsigned uses = 0;
    fputs(".SH COMMANDS\n", stdout);
    for (size_t i = 0; i < program->num_commands; i++) {
        const bp__command *c = &program->command[i];
        uses |= c->use;
        if (!c->name) continue;
        printf(".TP\n.B %s", c->name);
        putchar(' ');
        bp__man_text(stdout, c->arguments);
        fputs("\n\\&", stdout);
        bp__man_text(stdout, c->help);
        putchar('\n');
    }
    fputs(".SH OPTIONS\n", stdout);
    bp__options_man(stdout, program->option, program->num_options, uses);
}

/* Completion ------------------------------------------------------------------------------------ */

static void put_completion(const bp__program *program)
{
    unsigned nameless = 0;
    printf("# bash completion of %s; written by '%s --completion'\n", program->name, program->name);
    printf("_%s() {\n    local word=${COMP_WORDS[COMP_CWORD]} options=''\n", program->name);
    fputs("    COMPREPLY=()\n    case ${COMP_WORDS[COMP_CWORD - 1]} in\n", stdout);
    bp__options_completion(stdout, program->option, program->num_options);
    fputs("    esac\n    case ${COMP_WORDS[1]} in\n", stdout);
    for (size_t i = 0; i < program->num_commands; i++) {
        const bp__command *c = &program->command[i];
        if (!c->name) nameless = c->use;
        if (!c->name) continue;
        printf("    %s) options='", c->name);
        bp__options_names(stdout, program->option, program->num_options, c->use);
        fputs("' ;;\n", stdout);
    }
    fputs("    *) options='", stdout);
    if (nameless)
        bp__options_names(stdout, program->option, program->num_options, nameless);
    else
        fputs("--help --version", stdout);
    fputs("'\n       [ \"$COMP_CWORD\" = 1 ] && options=\"$options", stdout);
    for (size_t i = 0; i < program->num_commands; i++)
        if (program->command[i].name) printf(" %s", program->command[i].name);
    fputs("\" ;;\n    esac\n    mapfile -t COMPREPLY < <(compgen -W \"$options\" -- \"$word\")\n}\n", stdout);
    printf("complete -o default -F _%s %s\n", program->name, program->name);
}

/* The program as a whole ------------------------------------------------------------------------ */

void bp__program_version(const bp__program *program, bool json)
{
    if (json)
        bp__print_build_info(stdout, program->name);
    else
        printf("%s " BP_VERSION_STRING "\n", program->name);
}

bool bp__program_tell(const bp__program *program, int argc, char **argv, bool print)
{
    static const char *const words[] = {"--help", "-h", "help", "--version", "--completion", "--man"};
    enum { HELPS = 3, VERSION = HELPS, COMPLETION, NUM_WORDS = sizeof words / sizeof *words };
    const bp__command *command;
    unsigned asked = 0;
    while (asked < NUM_WORDS && (argc < 2 || strcmp(argv[1], words[asked]) != 0)) asked++;
    if (asked == NUM_WORDS) return false;
    if (!print) return true;
    if (asked < HELPS)
        bp__program_help(program, bp__program_command(program, 1, argv, &command) == BP_OK ? command : NULL);
    else if (asked == VERSION)
        bp__program_version(program, argc > 2 && strcmp(argv[2], "--json") == 0);
    else if (asked == COMPLETION)
        put_completion(program);
    else
        put_man(program);
    return true;
}

/* Errors ---------------------------------------------------------------------------------------- */

/* Further lines of an error, such as a traceback of a strategy. */
static void tell_lines(const char *text)
{
    while (*text) {
        const size_t n = strcspn(text, "\n");
        if (n > 0) bp__text_line(stderr, "  %.*s", (int)n, text);
        text += n + (text[n] == '\n');
    }
}

int bp__program_error(const bp__program *program, int code)
{
    char text[BP_LONG_TEXT_MAX + 80];
    const char *why = bp_error_text();
    const size_t n = bp__log_is_json() ? strlen(why) : strcspn(why, "\n");
    snprintf(text, sizeof text, code == BP__EXIT_USAGE ? "%.*s; try '%s --help'" : "%.*s", (int)n, why,
             program->name);
    bp__log_as(program->name, "error", text);
    tell_lines(why + n);
    return code;
}

bp_status bp__check_stdout(void)
{
    if (fflush(stdout) == 0 && !ferror(stdout)) return BP_OK;
    BP_FAIL_ERRNO(BP_EIO, errno, "standard output cannot be written");
}
