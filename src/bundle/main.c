/* bundle: makes bundle files and looks into them. */
#include <limits.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bundle/command.h"
#include "bundle/tables.h"
#include "cli/option.h"
#include "core/config.h"
#include "core/replace.h"

static bp__program program = {
    .name = "bundle",
    .help =
        "Makes the market-data bundles that a bundle pool serves, and looks into them.\n"
        "NAME is ROOT/NAME.h5, with ROOT from --root, $BUNDLEPOOL_ROOT, or ./bundles; an argument that ends\n"
        "in .h5 is a path.",
    .exit_codes =
        "Exit codes: 0 done, 1 failed (or two bundles differ, or --strict found something), 2 wrong usage.",
    .examples = "  bundle demo demo\n"
                "  bundle info demo\n"
                "  bundle ingest csvdir ~/prices mine && bundle verify mine\n",
    .command = bp__bundle_commands,
    .option = bp__bundle_options,
};

/* Signals ----------------------------------------------------------------------------------------- */

static bool on_terminal; /* there may be a line of progress */

static void say(const char *text)
{
    if (write(STDERR_FILENO, text, strlen(text)) < 0) return; /* nobody is left to be told */
}

/* What is half written goes, and is told; then the signal does what it does to any program. A further signal, as timeout(1)
 * and impatient people send, waits in its thread for that end: it must not come before the file is gone. */
static void stop(int number)
{
    static atomic_flag stopping = ATOMIC_FLAG_INIT;
    if (atomic_flag_test_and_set(&stopping))
        for (;;) pause();
    const bool dropped = bp__replace_drop();
    if (on_terminal) say("\n");
    say(dropped
            ? "bundle: stopped by a signal: what was half written is removed, an older bundle is as it was\n"
            : "bundle: stopped by a signal\n");
    signal(number, SIG_DFL);
    raise(number); /* blocked until the handler returns */
}

static void catch_signals(void)
{
    static const int number[] = {SIGINT, SIGTERM, SIGHUP};
    on_terminal = isatty(STDERR_FILENO) == 1;
    for (size_t i = 0; i < sizeof number / sizeof *number; i++) {
        struct sigaction old, action = {.sa_handler = stop};
        sigfillset(&action.sa_mask);
        /* what is ignored, as by nohup, stays so */
        if (sigaction(number[i], NULL, &old) == 0 && old.sa_handler != SIG_IGN)
            sigaction(number[i], &action, NULL);
    }
}

/* Running --------------------------------------------------------------------------------------- */

/* An exit code is coarse, and a line on stderr is cleaned and cut. A program that runs this one, as the Python
 * package does, names a descriptor to which the code's name and the full text go. */
static void tell_status(bp_status s)
{
    const char *fd = getenv("BUNDLEPOOL_STATUS_FD");
    uint64_t number;
    if (!fd || !bp__count_from(fd, strlen(fd), &number) || number > INT_MAX) return;
    if (dprintf((int)number, "%s\n%s\n", bp_status_name(s), bp_error_text()) < 0) return; /* nobody listens */
}

/* A mistake in the administrator's file is told, though most commands need none of it; the doctor has a line for it. */
static bp_status check_settings(const bp__command *command)
{
    char root[BP_PATH_MAX];
    return command->use == BP__USE_DOCTOR ? BP_OK : bp__config_file_root(root);
}

static int run(int argc, char **argv)
{
    const bp__command *command;
    int num_args, code = BP__EXIT_DONE;
    bp__command_line line = {.max_errors = 50,
                             .most = 50,
                             .audit = BP__AUDIT_DEFAULTS,
                             .code = &code,
                             .demo = {.assets = 50, .days = 1260, .minute_days = 0, .seed = 5}};
    bp_status s = bp__program_command(&program, argc, argv, &command);
    if (s == BP_OK) s = bp__program_read(&program, command, argc, argv, &line, &line.arg, &num_args);
    if (s == BP_OK && line.help) {
        bp__program_help(&program, command);
        return BP__EXIT_DONE;
    }
    if (s == BP_OK) s = bp__program_check_args(&program, command, line.arg, num_args);
    const bool is_read = s == BP_OK;
    if (s == BP_OK) s = check_settings(command);
    if (s == BP_OK) s = command->run(&line);
    if (s == BP_OK) return code;
    tell_status(s);
    return bp__program_error(&program, is_read && s != BP_EINVAL ? BP__EXIT_FAILED : BP__EXIT_USAGE);
}

int main(int argc, char **argv)
{
    program.num_commands = bp__num_bundle_commands;
    program.num_options = bp__num_bundle_options;
    /* a file that grows beyond `ulimit -f` is an error like any other, not a death */
    signal(SIGXFSZ, SIG_IGN);
    catch_signals();
    const int code = bp__program_tell(&program, argc, argv, true) ? BP__EXIT_DONE : run(argc, argv);
    return bp__failed(bp__check_stdout()) ? bp__program_error(&program, BP__EXIT_FAILED) : code;
}
