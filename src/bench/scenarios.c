/* SPDX-License-Identifier: MIT */
/* The text jobs that are timed end to end: prompts as people write them, answers of fixed length.
 */
#include <whet/bench.h>

#include <string.h>

#include "base/ctx.h"

enum {
    SLICE_TOKENS = 25,   /* about a second of decoding between two looks at the machine */
    CONTEXT_TOKENS = 16, /* timed at each length of the context in each pair */
    PROMPT_SHARE = 256,  /* a shorter prompt is timed as often as makes so many tokens, at most */
    MAX_PROMPTS = 4,     /* this often, in each pair */
};

const whet_scenario whet_scenarios[] = {
    {
        .name = "primary",
        .n_tokens = 100,
        .n_prompt = 5,
        .prompt = "The future of AI is",
    },
    {
        .name = "short",
        .n_tokens = 50,
        .n_prompt = 8,
        .prompt = "Why is the sky dark at night?",
    },
    {
        .name = "medium",
        .n_tokens = 150,
        .n_prompt = 88,
        .prompt =
            "A tide mill takes in sea water through a gate while the tide rises and keeps it in a "
            "pond. When the sea has fallen far enough, the water leaves the pond over a wheel, "
            "which turns the stones. The miller works when the moon tells him to, twice a day and "
            "an hour later every day, and no drought has ever stopped him.\n\n"
            "What would an engineer change today, and what would she leave as it is?",
    },
    {
        .name = "long",
        .n_tokens = 200,
        .n_prompt = 374,
        .prompt =
            "The library of the town stood for ninety years beside the river, and three times the "
            "river came in. After the first flood the books of the lowest shelves were dried on "
            "lines in the market hall, page by page, by anybody who had an hour. After the second "
            "the shelves were raised by the height of a man's knee. After the third the council "
            "asked whether the town needed a library by the river at all.\n\n"
            "Those who wanted to move it had the figures on their side. A new house on the hill "
            "would cost less than two more floods, it would be warm in winter, and there was a "
            "place to leave the car. Those who wanted it to stay said that nobody walks up a hill "
            "to look something up, that the school, the ferry and the bakery were all within a "
            "minute of the old door, and that a library which is not on the way to anywhere is a "
            "store of paper.\n\n"
            "In the end an old woman who had dried pages after the first flood proposed a thing "
            "that nobody had thought of. Leave the reading rooms where they are, she said, and "
            "build the shelves so that they float. A shelf is a box with one side open; close the "
            "side when the siren sounds, and it is a boat. A carpenter laughed, went home, and "
            "came "
            "back the next week with a drawing.\n\n"
            "It was built within the year. Forty shelves stand on the ground floor, each in a "
            "frame of two posts along which it can rise, each with a door of oiled oak that one "
            "person can shut. The river has come twice since then. Both times the books went up "
            "with it, and both times they came down again, in the same order, a little surprised.\n"
            "\n"
            "Summarise what happened, say what the town learned from it, and name one thing that "
            "could still go wrong with the floating shelves.",
    },
    {
        .name = "code",
        .n_tokens = 120,
        .n_prompt = 78,
        .prompt = "Write a C function that merges overlapping intervals.\n\n"
                  "typedef struct interval {\n"
                  "    int begin, end; /* end is not part of it */\n"
                  "} interval;\n\n"
                  "/* Sorts the n intervals, merges those that overlap or touch, and returns how "
                  "many are "
                  "left,\n * which are then the first ones of the array. Allocates nothing. */\n"
                  "int merge_intervals(interval *list, int n) {\n",
    },
    { 0 },
};

const whet_scenario *whet_scenario_find(const char *name, size_t len) {
    for (const whet_scenario *s = whet_scenarios; s->name; s++)
        if (strlen(s->name) == len && strncmp(s->name, name, len) == 0) return s;
    return NULL;
}

whet_status whet_scenario_job(whet_ctx *ctx, const whet_tokenizer *tokenizer,
                              const whet_scenario *scenario, size_t n_context, whet_ids *ids,
                              whet_bench_job *job) {
    if (tokenizer)
        WHET_TRY(
            whet_tokenizer_encode(ctx, tokenizer, scenario->prompt, strlen(scenario->prompt), ids));
    *job = (whet_bench_job){
        .prompt = ids->n ? ids->ids : NULL,
        .n_prompt = ids->n ? ids->n : scenario->n_prompt,
        .n_tokens = scenario->n_tokens,
        .slice_tokens = SLICE_TOKENS,
        .is_drawn = true,
    };
    job->n_filled = n_context > job->n_prompt ? n_context - job->n_prompt : 0;
    const size_t n = PROMPT_SHARE / job->n_prompt;
    job->n_prompts = n > MAX_PROMPTS ? MAX_PROMPTS : (int)n;
    return WHET_OK;
}

whet_bench_job whet_context_job(size_t n_context) {
    return (whet_bench_job){
        .n_filled = n_context,
        .n_tokens = CONTEXT_TOKENS,
        .slice_tokens = CONTEXT_TOKENS / 2,
    };
}
