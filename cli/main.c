/* SPDX-License-Identifier: MIT */
/* whet: one program, git-style commands. */
#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

#include "cli.h"

#include <whet/machine.h>

#define COMMAND(name) &cli_##name,
static const cli_command *const commands[] = {
#include "commands.def"
};
#undef COMMAND

enum { N_COMMANDS = sizeof commands / sizeof commands[0], MAX_OPTIONS = 64, OPT_BASE = 1000 };

/* Shared by all commands; their values stand outside the commands' structs. */
static struct {
    bool is_verbose;
    bool is_quiet;
    const char *isa; /* NULL = all that the processor has */
} common;

static bool is_fault_told;

whet_status cli_usage(const char *format, ...) {
    va_list args;
    is_fault_told = true;
    va_start(args, format);
    fputs("whet: ", stderr);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
    return WHET_E_ARG;
}

void cli_tell_fault(const whet_ctx *ctx) {
    if (!is_fault_told && *whet_ctx_message(ctx)) cli_usage("%s", whet_ctx_message(ctx));
    is_fault_told = false;
}

void cli_log(void *data, whet_log_level level, const char *module, const char *text) {
    static const char *const names[] = { "error", "warn ", "info ", "debug" };
    (void)data;
    const time_t now = time(NULL);
    struct tm t;
    localtime_r(&now, &t);
    fprintf(stderr, "%02d:%02d:%02d %s %s %s\n", t.tm_hour, t.tm_min, t.tm_sec, module,
            names[level], text);
}

static bool has_progress_line;

void cli_progress(void *data, const char *what, const char *unit, double done, double total) {
    (void)data;
    if (!isatty(STDERR_FILENO) || common.is_quiet) return;
    char bar[31];
    const int n = total > 0 ? (int)(30 * done / total) : 0;
    for (int i = 0; i < 30; i++)
        bar[i] = i < n ? '#' : '.';
    bar[30] = '\0';
    if (total > 0)
        fprintf(stderr, "\r\033[K%s [%s] %.0f / %.0f %s", what, bar, done, total, unit);
    else
        fprintf(stderr, "\r\033[K%s %.0f %s", what, done, unit);
    has_progress_line = true;
    fflush(stderr);
}

void cli_progress_line(const char *text) {
    fprintf(stderr, "\r\033[K%s", text);
    has_progress_line = true;
    fflush(stderr);
}

bool cli_is_quiet(void) {
    return common.is_quiet;
}

bool cli_is_verbose(void) {
    return common.is_verbose;
}

void cli_progress_end(void) {
    if (has_progress_line) fputs("\r\033[K", stderr);
    has_progress_line = false;
}

static whet_ctx *ctx_to_cancel;

static void on_signal(int signal_number) {
    (void)signal_number;
    whet_ctx_cancel(ctx_to_cancel);
}

void cli_cancel_on_signal(whet_ctx *ctx) {
    ctx_to_cancel = ctx;
    const struct sigaction action = { .sa_handler = on_signal };
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

static void print_commands(FILE *f) {
    fprintf(f, "usage: whet COMMAND [options]\n\n");
    for (int i = 0; i < N_COMMANDS; i++)
        if (commands[i]->name[0] != '_')
            fprintf(f, "  %-12s %s\n", commands[i]->name, commands[i]->summary);
    fprintf(f, "\nwhet COMMAND --help shows the options of a command\n");
}

static void print_help(const cli_command *c) {
    printf("usage: whet %s%s%s\n\n%s\n\n", c->name, *c->usage ? " " : "", c->usage, c->summary);
    for (const cli_option *o = c->options; o->name; o++) {
        char left[64];
        const char letter[] = { '-', o->letter, ',', ' ', '\0' };
        snprintf(left, sizeof left, "%s--%s%s%s", o->letter ? letter : "", o->name,
                 o->meta ? " " : "", o->meta ? o->meta : "");
        printf("  %-26s %s", left, o->help);
        if (o->fallback) printf(" (default %s)", o->fallback);
        printf("\n");
    }
    printf("  %-26s %s\n", "-v, -q", "say more, say less on stderr");
    printf("  %-26s %s\n", "--help", "this text");
}

/* What could not be written is a fault, where nothing else was. */
static int end(whet_status st, int exit_code) {
    if (st != WHET_OK) return 1;
    const bool is_written = fflush(stdout) == 0 && !ferror(stdout);
    return is_written ? exit_code : cli_usage("stdout: %s", strerror(errno)) != WHET_OK;
}

static bool parse_u64(const char *text, uint64_t *out) {
    char *end;
    errno = 0;
    *out = strtoull(text, &end, 10);
    return text[0] >= '0' && text[0] <= '9' && *end == '\0' && errno == 0;
}

static bool parse_int(const char *text, int *out) {
    uint64_t magnitude;
    const bool is_negative = text[0] == '-';
    if (!parse_u64(text + is_negative, &magnitude) || magnitude > 0x7fffffff) return false;
    *out = is_negative ? -(int)magnitude : (int)magnitude;
    return true;
}

static bool parse_double(const char *text, double *out) {
    char *end;
    errno = 0;
    *out = strtod(text, &end);
    return end != text && *end == '\0' && errno == 0 && isfinite(*out);
}

/* The words of mlx_lm's flags that take a value; -1 for any other. */
static int truth_of(const char *text) {
    static const char *const words[] = { "F", "false", "no", "0", "T", "true", "yes", "1" };
    for (int i = 0; i < 8; i++)
        if (text && strcasecmp(text, words[i]) == 0) return i >= 4;
    return -1;
}

static whet_status set_option(const cli_option *o, const char *text, void *opts) {
    void *field = (char *)opts + o->offset;
    bool ok = true;
    switch (o->kind) {
    case CLI_FLAG: *(bool *)field = true; break;
    case CLI_BOOL:
        ok = !text || truth_of(text) >= 0;
        *(bool *)field = !text || truth_of(text) == 1;
        break;
    case CLI_STRING: *(const char **)field = text; break;
    case CLI_INT: ok = parse_int(text, field); break;
    case CLI_U64: ok = parse_u64(text, field); break;
    case CLI_DOUBLE: ok = parse_double(text, field); break;
    case CLI_ISA: common.isa = text; break;
    }
    return ok ? WHET_OK
              : cli_usage("--%s takes %s, not \"%s\"", o->name,
                          o->kind == CLI_DOUBLE ? "a number"
                          : o->kind == CLI_BOOL ? "T or F"
                                                : "a whole number",
                          text);
}

bool cli_is_given(const cli_command *command, const cli_args *args, const char *name) {
    for (int i = 0; command->options[i].name; i++)
        if (strcmp(command->options[i].name, name) == 0) return args->given >> i & 1;
    return false;
}

/* The index of the option that getopt_long has met by its name or its letter. */
static int index_of(const cli_command *c, int met) {
    int i = 0;
    if (met >= OPT_BASE) return met - OPT_BASE;
    while (c->options[i].letter != met)
        i++;
    return i;
}

/* Fills args from argv. *is_help is set when the help was asked for, and printed. */
static whet_status parse(const cli_command *c, int argc, char **argv, cli_args *args,
                         bool *is_help) {
    struct option longs[MAX_OPTIONS + 2] = { 0 };
    char shorts[2 * MAX_OPTIONS + 8] = ":hvq";
    int n = 0, n_shorts = (int)strlen(shorts);
    for (; c->options[n].name; n++) {
        const bool takes_value = c->options[n].kind != CLI_FLAG;
        const int how = c->options[n].kind == CLI_BOOL ? optional_argument
                        : takes_value                  ? required_argument
                                                       : no_argument;
        longs[n] = (struct option){ c->options[n].name, how, NULL, OPT_BASE + n };
        if (c->options[n].letter) {
            shorts[n_shorts++] = c->options[n].letter;
            shorts[n_shorts++] = ':';
        }
        const char *fallback = c->options[n].fallback;
        if (fallback && takes_value && set_option(&c->options[n], fallback, args->opts) != WHET_OK)
            return WHET_E_INTERNAL;
    }
    longs[n] = (struct option){ "help", no_argument, NULL, 'h' };
    opterr = 0;
    for (int o; (o = getopt_long(argc, argv, shorts, longs, NULL)) != -1;) {
        if (o == 'h') {
            print_help(c);
            *is_help = true;
            return WHET_OK;
        } else if (o == 'v') {
            common.is_verbose = true;
        } else if (o == 'q') {
            common.is_quiet = true;
        } else if (o != '?' && o != ':') {
            const int i = index_of(c, o);
            args->given |= (uint64_t)1 << i;
            const cli_option *option = &c->options[i];
            if (option->kind == CLI_BOOL && !optarg && optind < argc && truth_of(argv[optind]) >= 0)
                optarg = argv[optind++];
            const whet_status st = set_option(option, optarg, args->opts);
            if (st != WHET_OK) return st;
        } else {
            return cli_usage("%s: %s %s; see whet %s --help", c->name, argv[optind - 1],
                             o == ':' ? "wants a value" : "is not an option", c->name);
        }
    }
    for (; optind < argc; optind++) {
        if (args->n_words == c->max_words || args->n_words == CLI_MAX_ARGS)
            return cli_usage("%s: \"%s\" is one word too many; see whet %s --help", c->name,
                             argv[optind], c->name);
        args->words[args->n_words++] = argv[optind];
    }
    if (args->n_words < c->min_words)
        return cli_usage("%s: a word is missing; usage: whet %s %s", c->name, c->name, c->usage);
    return WHET_OK;
}

static whet_status run_command(const cli_command *c, int argc, char **argv, int *exit_code) {
    _Alignas(16) char opts[CLI_MAX_OPTS_BYTES] = { 0 };
    cli_args args = { .opts = opts, .exit_code = exit_code };
    bool is_help = false;
    whet_status st = parse(c, argc, argv, &args, &is_help);
    if (st != WHET_OK || is_help) return st;
    whet_ctx *ctx = whet_ctx_open(&(whet_ctx_opts){
        .log = cli_log,
        .log_level = common.is_verbose ? WHET_LOG_DEBUG
                     : common.is_quiet ? WHET_LOG_ERROR
                                       : WHET_LOG_WARN,
        .progress = cli_progress,
    });
    if (!ctx) return cli_usage("%s", whet_ctx_message(NULL));
    st = whet_isa_limit(ctx, common.isa);
    if (st == WHET_OK) st = c->run(ctx, &args);
    cli_progress_end();
    if (st != WHET_OK) cli_tell_fault(ctx);
    whet_ctx_close(ctx);
    return st;
}

int main(int argc, char **argv) {
    signal(SIGXFSZ, SIG_IGN); /* a write beyond the limit on files says so, and is told */
    if (argc < 2) {
        print_commands(stderr);
        return 1;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 ||
        strcmp(argv[1], "help") == 0) {
        print_commands(stdout);
        return end(WHET_OK, 0);
    }
    for (int i = 0; i < N_COMMANDS; i++)
        if (strcmp(argv[1], commands[i]->name) == 0) {
            int exit_code = 0;
            const whet_status st = run_command(commands[i], argc - 1, argv + 1, &exit_code);
            return end(st, exit_code);
        }
    return end(cli_usage("\"%s\" is not a command; see whet --help", argv[1]), 0);
}
