// Any archive, unpacked and written again from its recipe, is what it was, byte by byte, or refused: never something
// else. Recipes are damaged, too: the last byte of an input says how many bytes before it are written over the recipe.
#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>

#include "image/extract.h"
#include "image/layer_recipe.h"
#include "sys/file.h"
#include "tests/support/temp_dir.h"

namespace {

using namespace diatom;
using namespace diatom::image;

constexpr std::size_t kMost = 8U << 20U;  // bytes that are written again

Result<void> unpack(std::string_view archive, const std::string& directory) {
    TRY(sys::make_dirs(directory + "/fs"));
    RecipeWriter recipe(TRY(sys::open_path(directory + "/recipe", O_RDWR | O_CREAT, 0600)));
    const auto root = TRY(sys::open_path(directory + "/fs", O_RDONLY | O_DIRECTORY));
    const auto source = memory_source(archive);
    TRY(extract_tar(*source, root, Whiteouts::overlay, {.directory = directory, .max_entries = 200, .rewrite = {}}));
    TRY(recipe.examine({reinterpret_cast<const std::uint8_t*>(archive.data()), archive.size()}));
    return recipe.finish();
}

// An error anywhere is an answer; bytes that come to an end in order must be those of the digest.
Result<void> write_again(const std::string& directory, std::string_view archive) {
    const auto again = TRY(open_layer_archive(directory, Digest::of(archive)));
    std::string bytes;
    std::array<std::uint8_t, 4096> piece{};
    while (const auto got = TRY(again.source->read(piece))) {
        bytes.append(reinterpret_cast<const char*>(piece.data()), got);
        if (bytes.size() > kMost) return fail(Kind::exhausted, "enough");
    }
    if (bytes != archive) __builtin_trap();
    return {};
}

Result<void> damage(const std::string& directory, std::string_view archive) {
    const std::size_t count = archive.empty() ? 0 : static_cast<std::uint8_t>(archive.back());
    if (count + 1 > archive.size()) return {};
    auto recipe = TRY(sys::read_file(directory + "/recipe", kMost));
    recipe.resize(std::max(recipe.size(), kRecipeMagic.size() + 8));
    recipe.replace(kRecipeMagic.size() + 8, count, archive.substr(archive.size() - 1 - count, count));
    return sys::write_file(directory + "/recipe", recipe, 0600);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const test::TempDir place;
    const std::string_view archive(reinterpret_cast<const char*>(data), size);
    const auto directory = place / "layer";
    if (unpack(archive, directory)) {
        std::ignore = write_again(directory, archive);
        if (damage(directory, archive)) std::ignore = write_again(directory, archive);
    }
    if (!sys::remove_tree(directory)) __builtin_trap();
    return 0;
}
