/* SPDX-License-Identifier: MIT */
/* All keys that a configuration may have. */
#include "evolve/config.h"

#include <stddef.h>

#define AT(field)  offsetof(whet_evolve_settings, field)
#define OPT(field) AT(opts.field)
#define MODELS(i, kind_name, field, kind, least, most)                                             \
    { "llm.models[" #i "]." kind_name, kind, OPT(llm.models[i].field), NULL, least, most, 0 }
#define MODEL(i)                                                                                   \
    MODELS(i, "name", name, WHET_KEY_TEXT, 0, 0),                                                  \
        MODELS(i, "weight", weight, WHET_KEY_DOUBLE, 0, 1e6)

const whet_key whet_keys[] = {
    /* whet's own */
    { "model", WHET_KEY_TEXT, AT(model), NULL, 0, 0, 0 },
    { "heads", WHET_KEY_TEXT, AT(heads), NULL, 0, 0, 0 },
    { "head_dim", WHET_KEY_INT, OPT(problem.head_dim), NULL, 1, 1024, 0 },
    { "context", WHET_KEY_INT, OPT(problem.n_context), "2048", 1, 1 << 20, 0 },
    { "minutes", WHET_KEY_DOUBLE, OPT(minutes), "1", 1e-3, 144000, 0 },
    { "threads", WHET_KEY_INT, OPT(n_threads), "0", 0, 1024, 0 },
    { "proposer", WHET_KEY_TEXT, OPT(proposer), NULL, 0, 0, 0 },
    { "control_share", WHET_KEY_DOUBLE, OPT(population.control), "0.1", -1, 0.9, 0 },
    /* as in OpenEvolve */
    { "max_iterations", WHET_KEY_INT, OPT(max_programs), "0", 0, 20000, 0 },
    { "random_seed", WHET_KEY_U64, OPT(seed), "1", 1, 1.8e19, 0 },
    { "diff_based_evolution", WHET_KEY_NOT, OPT(is_rewriting), "true", 0, 0, 0 },
    { "max_code_length", WHET_KEY_INT, OPT(max_code_bytes), "262144", 1, 256 << 10, 0 },
    { "early_stopping_patience", WHET_KEY_INT, OPT(population.patience), "0", 0, 20000, 0 },
    { "convergence_threshold", WHET_KEY_DOUBLE, OPT(population.least_gain), "0.001", 0, 10, 0 },
    { "llm.api_base", WHET_KEY_TEXT, OPT(llm.api_base), "https://api.openai.com/v1", 0, 0, 0 },
    { "llm.api_key", WHET_KEY_VARIABLE, AT(api_key), "${OPENAI_API_KEY}", 0, 0, 0 },
    MODEL(0),
    MODEL(1),
    MODEL(2),
    MODEL(3),
    MODEL(4),
    MODEL(5),
    MODEL(6),
    MODEL(7),
    { "llm.primary_model", WHET_KEY_TEXT, OPT(llm.models[0].name), NULL, 0, 0, 0 },
    { "llm.primary_model_weight", WHET_KEY_DOUBLE, OPT(llm.models[0].weight), NULL, 0, 1e6, 0 },
    { "llm.secondary_model", WHET_KEY_TEXT, OPT(llm.models[1].name), NULL, 0, 0, 0 },
    { "llm.secondary_model_weight", WHET_KEY_DOUBLE, OPT(llm.models[1].weight), NULL, 0, 1e6, 0 },
    { "llm.temperature", WHET_KEY_DOUBLE, OPT(llm.temperature), NULL, 0, 2,
      OPT(llm.has_temperature) },
    { "llm.top_p", WHET_KEY_DOUBLE, OPT(llm.top_p), NULL, 0, 1, 0 },
    { "llm.max_tokens", WHET_KEY_INT, OPT(llm.max_tokens), "4096", 1, 10000000, 0 },
    { "llm.timeout", WHET_KEY_DOUBLE, OPT(llm.timeout_seconds), "60", 0.01, 86400, 0 },
    { "llm.retries", WHET_KEY_INT, OPT(llm.n_retries), "3", 0, 100, OPT(llm.has_retries) },
    { "llm.retry_delay", WHET_KEY_DOUBLE, OPT(llm.retry_delay_seconds), "5", 0.001, 3600, 0 },
    { "prompt.system_message", WHET_KEY_TEXT, OPT(llm.system_message), NULL, 0, 0, 0 },
    { "prompt.num_top_programs", WHET_KEY_INT, OPT(n_top_programs), "3", 1, 20, 0 },
    { "prompt.num_diverse_programs", WHET_KEY_INT, OPT(n_diverse_programs), "2", 1, 20, 0 },
    { "database.population_size", WHET_KEY_INT, OPT(population.n_programs), "200", 1, 20000, 0 },
    { "database.archive_size", WHET_KEY_INT, OPT(population.n_archive), "20", 1, 100, 0 },
    { "database.num_islands", WHET_KEY_INT, OPT(population.n_islands), "0", 0, 8, 0 },
    { "database.exploration_ratio", WHET_KEY_DOUBLE, OPT(population.exploration), "0.2", 0, 1, 0 },
    { "database.exploitation_ratio", WHET_KEY_DOUBLE, OPT(population.exploitation), "0.5", 0, 1,
      0 },
    { "database.migration_interval", WHET_KEY_INT, OPT(population.migration_interval), "25", 1,
      20000, 0 },
    { "database.migration_rate", WHET_KEY_DOUBLE, OPT(population.migration_rate), "0.1", 0, 1, 0 },
    { "evaluator.parallel_evaluations", WHET_KEY_INT, OPT(n_children), "0", 0, 8, 0 },
};
const size_t whet_n_keys = sizeof whet_keys / sizeof *whet_keys;

#define NOT_THERE "it does nothing there either"
const whet_dead_key whet_dead_keys[] = {
    { "checkpoint_interval", "" }, /* every program is one */
    { "evaluator.timeout", "" },   /* the judge's limits are tighter, and kill */
    { "evaluator.cascade_evaluation", "" },
    { "database.log_prompts", "" },
    { "prompt.include_artifacts", "" },
    { "log_level", "-v and -q say how much is told" },
    { "log_dir", "the run file is the log" },
    { "language", "programs are C" },
    { "file_suffix", "programs are C" },
    { "diff_pattern", "hunks have one form, which is matched by lines" },
    { "early_stopping_metric", "there is one: the speed in a text job" },
    { "max_tasks_per_child", "every candidate has processes of its own" },
    { "llm.models", "at most eight models, each with a name and a weight" },
    { "llm.evaluator_models", "no model judges programs" },
    { "llm.provider", "the proposer key says who is asked" },
    { "llm.random_seed", "replies are kept, so that a replay needs no seed of a server" },
    { "llm.reasoning_effort", "it is not sent" },
    { "llm.max_budget_usd", "--max-cost bounds it" },
    { "llm.manual_mode", "proposer: manual:FOLDER does that" },
    { "prompt.template_dir", "--prompts names the folder" },
    { "prompt.evaluator_system_message", "no model judges programs" },
    { "prompt.use_template_stochasticity", "prompts are a function of the run alone" },
    { "prompt.template_variations", "prompts are a function of the run alone" },
    { "prompt.use_meta_prompting", NOT_THERE },
    { "prompt.meta_prompt_weight", NOT_THERE },
    { "prompt.max_artifact_bytes", "the compiler's first words always fit" },
    { "prompt.artifact_security_filter", "it would redact the compiler's identifiers" },
    { "prompt.suggest_simplification_after_chars", "kernels may be long" },
    { "prompt.include_changes_under_chars", NOT_THERE },
    { "prompt.concise_implementation_max_lines", "kernels may be long" },
    { "prompt.comprehensive_implementation_min_lines", "kernels may be long" },
    { "prompt.diff_summary_max_line_len", "a change is one sentence" },
    { "prompt.diff_summary_max_lines", "a change is one sentence" },
    { "prompt.programs_as_changes_description", "programs are shown as they are" },
    { "prompt.system_message_changes_description", "programs are shown as they are" },
    { "prompt.initial_changes_description", "programs are shown as they are" },
    { "prompt.code_length_threshold", NOT_THERE },
    { "database.db_path", "--db names the run file" },
    { "database.in_memory", NOT_THERE },
    { "database.elite_selection_ratio", "the elites are the best of every cell" },
    { "database.diversity_metric", NOT_THERE },
    { "database.feature_bins", "facts make the bins of themselves" },
    { "database.diversity_reference_size", "diversity is a place in the grid" },
    { "database.random_seed", "random_seed, at the top, is the one seed" },
    { "database.artifacts_base_path", "the run file holds them" },
    { "database.artifact_size_threshold", "the run file holds them" },
    { "database.cleanup_old_artifacts", NOT_THERE },
    { "database.artifact_retention_days", NOT_THERE },
    { "database.max_snapshot_artifacts", "nothing is left out" },
    { "database.embedding_model", "novelty is told by hashes of source and object" },
    { "database.similarity_threshold", "novelty is told by hashes of source and object" },
    { "database.novelty_llm", "novelty is told by hashes of source and object" },
    { "evaluator.max_retries", "a verdict does not change by asking again" },
    { "evaluator.cascade_thresholds", "the judge's gates have their own" },
    { "evaluator.memory_limit_mb", "the judge has its own limit" },
    { "evaluator.cpu_limit", "the judge has its own limit" },
    { "evaluator.distributed", NOT_THERE },
    { "evaluator.use_llm_feedback", "no model judges programs" },
    { "evaluator.llm_feedback_weight", "no model judges programs" },
    { "evaluator.enable_artifacts", "verdicts always carry their evidence" },
    { "evaluator.max_artifact_storage", NOT_THERE },
    { "evolution_trace", "the run file has all of it" },
};
const size_t whet_n_dead_keys = sizeof whet_dead_keys / sizeof *whet_dead_keys;
