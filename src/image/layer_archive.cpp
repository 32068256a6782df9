// A layer's archive, made again from its recipe and its directory.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "image/layer_recipe.h"
#include "sys/file.h"

namespace diatom::image {
namespace {

template <class T>
T number_at(const char* bytes) {
    T value = 0;
    for (std::size_t i = 0; i < sizeof value; ++i)
        value |= static_cast<T>(static_cast<unsigned char>(bytes[i])) << (8 * i);
    return value;
}

class ArchiveSource final : public ByteSource {
public:
    ArchiveSource(Fd recipe, Fd root, std::unique_ptr<ByteSource> instructions, Digest diff_id)
        : recipe_(std::move(recipe)),
          root_(std::move(root)),
          instructions_(std::move(instructions)),
          diff_id_(std::move(diff_id)),
          hasher_(diff_id_.algorithm()) {}

    Result<std::size_t> read(std::span<std::uint8_t> buffer) override {
        if (buffer.empty()) return std::size_t{0};
        while (left_ == 0) {
            if (!TRY(next())) return std::size_t{0};
        }
        const auto piece = buffer.first(std::min<std::uint64_t>(buffer.size(), left_));
        const auto got = file_ ? TRY(read_file(piece)) : TRY(instructions_->read(piece));
        if (got == 0)
            return fail(Kind::corrupt, "layer {}: \"{}\" is shorter than its archive had it", diff_id_.text(), path_);
        left_ -= got;
        hasher_.update(piece.first(got));
        return got;
    }

private:
    Result<std::size_t> read_file(std::span<std::uint8_t> piece) {
        for (;;) {
            const auto got = ::read(file_.raw(), piece.data(), piece.size());
            if (got >= 0) return static_cast<std::size_t>(got);
            if (errno != EINTR) return fail_errno(errno, "read {}", path_);
        }
    }

    Result<bool> take(std::span<char> out) {
        std::size_t filled = 0;
        while (filled < out.size()) {
            const auto rest = out.subspan(filled);
            const auto got = TRY(instructions_->read({reinterpret_cast<std::uint8_t*>(rest.data()), rest.size()}));
            if (got == 0 && filled == 0) return false;
            if (got == 0) return fail(Kind::corrupt, "the recipe of layer {} ends early", diff_id_.text());
            filled += got;
        }
        return true;
    }

    // The next instruction; false at the end, where the digest must be right.
    Result<bool> next() {
        if (ended_) return false;
        file_.reset();
        std::array<char, 12> head{};
        if (!TRY(take(std::span(head).first(1)))) {
            ended_ = true;
            if (hasher_.finish() == diff_id_) return false;
            return fail(
                Kind::corrupt,
                "layer {} cannot be written as it was: its archive held a file twice, or its directory was changed",
                diff_id_.text());
        }
        if (head[0] == 'V') {
            TRY(take(std::span(head).first(4)));
            left_ = number_at<std::uint32_t>(head.data());
            return true;
        }
        TRY(take(head));
        left_ = number_at<std::uint64_t>(head.data());
        const auto length = number_at<std::uint32_t>(head.data() + 8);
        if (length > kMostRecipePath) return fail(Kind::corrupt, "the recipe of layer {} is damaged", diff_id_.text());
        path_.assign(length, '\0');
        TRY(take(path_));
        file_ =
            TRY(sys::open_in_root(root_, "/" + path_, O_RDONLY | O_NOFOLLOW | O_NONBLOCK), "layer {}", diff_id_.text());
        return true;
    }

    Fd recipe_, root_, file_;
    std::unique_ptr<ByteSource> instructions_;
    Digest diff_id_;
    Hasher hasher_;
    std::string path_;
    std::uint64_t left_ = 0;
    bool ended_ = false;
};

}  // namespace

Result<SizedSource> open_layer_archive(const std::string& directory, const Digest& diff_id) {
    auto opened = sys::open_path(directory + "/recipe", O_RDONLY);
    if (!opened && opened.error().kind() == Kind::not_found) {
        return fail(
            Kind::unsupported,
            "layer {} was unpacked by a version that kept no recipe of its archive: remove the image and pull it "
            "again",
            diff_id.text());
    }
    auto recipe = TRY(std::move(opened));
    std::array<char, 16> head{};
    if (::read(recipe.raw(), head.data(), head.size()) != static_cast<ssize_t>(head.size()) ||
        !std::string_view(head.data(), head.size()).starts_with(kRecipeMagic)) {
        return fail(Kind::corrupt, "the recipe of layer {} is damaged", diff_id.text());
    }
    auto root = TRY(sys::open_path(directory + "/fs", O_RDONLY | O_DIRECTORY));
    auto instructions = TRY(decompress(file_source(recipe)));
    return SizedSource{
        number_at<std::uint64_t>(head.data() + kRecipeMagic.size()),
        std::make_unique<ArchiveSource>(std::move(recipe), std::move(root), std::move(instructions), diff_id)};
}

}  // namespace diatom::image
