# Thin front of Meson. BUILD is where to build, MESON_FLAGS go to its first `meson setup`,
# TEST_FLAGS to `meson test`.
BUILD ?= build
MESON_FLAGS ?=
TEST_FLAGS ?=

all: $(BUILD)/build.ninja
	@ninja -C $(BUILD)

demo: $(BUILD)/build.ninja
	@ninja -C $(BUILD) cli/whet
	@tools/demo $(BUILD)

test: all
	@tools/test $(BUILD) $(TEST_FLAGS)

bench: all
	@meson test -C $(BUILD) --benchmark --verbose

format:
	@git ls-files '*.c' '*.h' | xargs $(firstword $(shell command -v clang-format-14 clang-format)) -i

ci:
	@.ci/run

clean:
	@rm -rf build build-*

$(BUILD)/build.ninja:
	@tools/setup
	@meson setup $(MESON_FLAGS) $(BUILD)

.PHONY: all demo test bench format ci clean
