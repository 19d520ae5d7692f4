# Thin front of Meson: make, make demo, make test, make bench, make format, make clean.
BUILD ?= build

all: $(BUILD)/build.ninja
	ninja -C $(BUILD)

$(BUILD)/build.ninja:
	tools/setup
	meson setup $(BUILD)

test: all
	tools/test $(BUILD)

format:
	git ls-files '*.c' '*.h' | xargs clang-format -i

clean:
	rm -rf build build-*

.PHONY: all test format clean
