/* SPDX-License-Identifier: MIT */
/* whet model: what a checkpoint is, what is wrong with it, and new ones with random weights. */
#include <string.h>

#include <whet/checkpoint.h>

#include "candidate.h"

typedef struct model_opts {
    const char *preset;
    const char *out;
    int layers;
    uint64_t seed;
    bool is_json;
} model_opts;

static void print_rope(const whet_config *c) {
    printf("%-14s theta %.10g", "rope", c->rope_theta);
    const whet_rope_scaling *y = &c->scaling;
    if (y->kind == WHET_ROPE_YARN)
        printf(", yarn x %g from %.0f, beta %g to %g, attention factor %.6g%s", y->factor,
               y->original_max_position, y->beta_fast, y->beta_slow, y->attention_factor,
               y->is_truncated ? "" : ", not truncated");
    printf("\n");
}

static void print_ids(const char *name, const int32_t *ids, int n) {
    printf("%-14s", name);
    for (int i = 0; i < n; i++)
        printf(" %d", ids[i]);
    printf("%s\n", n ? "" : " none");
}

static void print_generation(const whet_generation_defaults *g) {
    if (!g->do_sample) {
        printf("%-14s greedy\n", "sampling");
        return;
    }
    printf("%-14s temperature %g, top-k %d, top-p %g, min-p %g, repetition penalty %g\n",
           "sampling", g->temperature, g->top_k, g->top_p, g->min_p, g->repetition_penalty);
}

/* "weights        1192099840 (1.19 GB)" */
static void print_count(const char *name, uint64_t n, const char *unit) {
    const bool is_large = n >= 1000000000;
    printf("%-14s %llu (%.2f %s%s)\n", name, (unsigned long long)n,
           (double)n / (is_large ? 1e9 : 1e6), is_large ? "G" : "M", unit);
}

static void print_facts(const char *dir, const whet_checkpoint_facts *f) {
    const whet_config *c = &f->config;
    printf("%-14s %s\n", "folder", dir);
    printf("%-14s Qwen3ForCausalLM, %d layers\n", "architecture", c->n_layers);
    printf("%-14s hidden %d, intermediate %d, vocabulary %d\n", "shape", c->hidden_size,
           c->intermediate_size, c->vocab_size);
    printf("%-14s %d query : %d KV, head_dim %d\n", "heads", c->n_heads, c->n_kv_heads,
           c->head_dim);
    print_count("parameters", (uint64_t)f->n_parameters, "");
    print_count("weights", f->weight_bytes, "B");
    printf("%-14s %s, %d tensors in %d file%s\n", "", cli_dtype_name(f->weight_dtype), f->n_tensors,
           f->n_files, f->n_files == 1 ? "" : "s");
    if (f->n_others > 0)
        printf("%-14s %llu bytes in %d tensors that the model does not read\n", "others",
               (unsigned long long)f->other_bytes, f->n_others);
    printf("%-14s %s\n", "embeddings", c->tie_word_embeddings ? "tied" : "untied");
    printf("%-14s %d tokens\n", "context", c->max_position_embeddings);
    print_rope(c);
    printf("%-14s %g\n", "norm epsilon", c->rms_norm_eps);
    printf("%-14s %llu bytes a token in bf16, %.1f MB for the whole context\n", "KV cache",
           (unsigned long long)f->kv_bytes_per_token,
           (double)f->kv_bytes_per_token * c->max_position_embeddings / 1e6);
    print_ids("eos", c->eos, c->n_eos);
    print_ids("bos", &c->bos, c->bos >= 0);
    print_generation(&c->generation);
    printf("%-14s %s\n", "tokenizer", f->has_tokenizer ? "tokenizer.json" : "none");
}

static whet_status print_json(whet_ctx *ctx, const char *dir, const whet_checkpoint_facts *f) {
    const whet_config *c = &f->config;
    const whet_rope_scaling *y = &c->scaling;
    const whet_generation_defaults *g = &c->generation;
    whet_buf folder = { 0 };
    const whet_status st = whet_json_quote(ctx, &folder, dir, strlen(dir));
    if (st != WHET_OK) {
        whet_buf_fini(ctx, &folder);
        return st;
    }
    printf("{\"type\":\"model\",\"folder\":%s,\"architecture\":\"Qwen3ForCausalLM\",", folder.text);
    printf("\"layers\":%d,\"hidden_size\":%d,\"intermediate_size\":%d,\"vocab_size\":%d,",
           c->n_layers, c->hidden_size, c->intermediate_size, c->vocab_size);
    printf("\"heads\":%d,\"kv_heads\":%d,\"head_dim\":%d,\"context\":%d,", c->n_heads,
           c->n_kv_heads, c->head_dim, c->max_position_embeddings);
    printf(
        "\"parameters\":%lld,\"dtype\":\"%s\",\"weight_bytes\":%llu,\"tensors\":%d,\"files\":%d,",
        (long long)f->n_parameters, cli_dtype_name(f->weight_dtype),
        (unsigned long long)f->weight_bytes, f->n_tensors, f->n_files);
    printf("\"other_tensors\":%d,\"other_bytes\":%llu,\"kv_bytes_per_token\":%llu,", f->n_others,
           (unsigned long long)f->other_bytes, (unsigned long long)f->kv_bytes_per_token);
    printf("\"tied\":%s,\"rms_norm_eps\":%.15g,\"rope_theta\":%.15g,\"rope\":\"%s\",",
           c->tie_word_embeddings ? "true" : "false", c->rms_norm_eps, c->rope_theta,
           y->kind == WHET_ROPE_YARN ? "yarn" : "default");
    printf("\"rope_factor\":%.15g,\"attention_factor\":%.15g,\"eos\":[",
           y->kind == WHET_ROPE_YARN ? y->factor : 1.0, y->attention_factor);
    for (int i = 0; i < c->n_eos; i++)
        printf("%s%d", i ? "," : "", c->eos[i]);
    printf("],\"bos\":");
    if (c->bos >= 0)
        printf("%d", c->bos);
    else
        printf("null");
    printf(",\"do_sample\":%s,\"temperature\":%.15g,\"top_k\":%d,\"top_p\":%.15g,\"min_p\":%.15g,",
           g->do_sample ? "true" : "false", g->temperature, g->top_k, g->top_p, g->min_p);
    printf("\"repetition_penalty\":%.15g,\"tokenizer\":%s}\n", g->repetition_penalty,
           f->has_tokenizer ? "true" : "false");
    whet_buf_fini(ctx, &folder);
    return WHET_OK;
}

static whet_status run_info(whet_ctx *ctx, const model_opts *o, const char *dir) {
    whet_checkpoint_facts facts;
    whet_status st = whet_checkpoint_read_facts(ctx, dir, &facts);
    if (st == WHET_OK && o->is_json)
        st = print_json(ctx, dir, &facts);
    else if (st == WHET_OK)
        print_facts(dir, &facts);
    return st;
}

static void print_fault(void *data, const char *sentence) {
    (void)data;
    cli_progress_end();
    printf("%s\n", sentence);
}

static whet_status run_check(whet_ctx *ctx, const model_opts *o, const char *dir) {
    (void)o;
    cli_cancel_on_signal(ctx);
    const whet_status st = whet_checkpoint_check(ctx, dir, print_fault, NULL);
    cli_progress_end();
    if (st == WHET_OK) printf("%s: no faults\n", dir);
    return st;
}

static whet_status run_synth(whet_ctx *ctx, const model_opts *o) {
    if (!o->preset || !o->out) return cli_usage("model synth: wants --preset NAME and --out DIR");
    cli_cancel_on_signal(ctx);
    const whet_synth_opts opts = { .preset = o->preset, .n_layers = o->layers, .seed = o->seed };
    const whet_status st = whet_checkpoint_synth(ctx, o->out, &opts);
    cli_progress_end();
    if (st == WHET_OK)
        printf("%s: %s with random weights, seed %llu\n", o->out, o->preset,
               (unsigned long long)o->seed);
    return st;
}

static whet_status run(whet_ctx *ctx, const cli_args *args) {
    const model_opts *o = args->opts;
    const char *what = args->words[0];
    if (strcmp(what, "synth") == 0) {
        if (cli_is_given(&cli_model, args, "layers") && o->layers < 1)
            return cli_usage("--layers takes 1 or more, not %d", o->layers);
        if (args->n_words > 1)
            return cli_usage("model synth: \"%s\" is one word too many; the folder is --out DIR",
                             args->words[1]);
        return run_synth(ctx, o);
    }
    const bool is_info = strcmp(what, "info") == 0;
    if (!is_info && strcmp(what, "check") != 0)
        return cli_usage("model: \"%s\" is not one of info, check and synth", what);
    if (args->n_words < 2)
        return cli_usage("model %s: wants a folder or the name of a model", what);
    whet_buf dir = { 0 };
    whet_status st = cli_find_model(ctx, args->words[1], &dir);
    if (st == WHET_OK) st = (is_info ? run_info : run_check)(ctx, o, dir.text);
    whet_buf_fini(ctx, &dir);
    return st;
}

#define AT(field) offsetof(model_opts, field)
static const cli_option options[] = {
    { "preset", CLI_STRING, AT(preset), "NAME",
      "synth: qwen3-0.6b, -1.7b, -4b, -8b, -14b, -32b or tiny", NULL },
    { "out", CLI_STRING, AT(out), "DIR", "synth: the folder to make", NULL },
    { "layers", CLI_INT, AT(layers), "N", "synth: so many layers, not the preset's", NULL },
    { "seed", CLI_U64, AT(seed), "N", "synth: of the random weights", "0" },
    { "json", CLI_FLAG, AT(is_json), NULL, "info: one line of JSON", NULL },
    { 0 },
};

const cli_command cli_model = {
    .name = "model",
    .summary = "show a checkpoint, check it, or make one with random weights",
    .usage = "info DIR | check DIR | synth --preset NAME --out DIR [options]",
    .options = options,
    .opts_bytes = sizeof(model_opts),
    .min_words = 1,
    .max_words = 2,
    .run = run,
};
