#include "image/layer_recipe.h"

#include <unistd.h>
#include <zstd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <optional>

#include "base/strings.h"
#include "image/tar.h"
#include "sys/file.h"

namespace diatom::image {
namespace {

constexpr std::size_t kBlock = 512;
constexpr std::size_t kMostVerbatim = 64U << 10U;   // bytes of one 'V'
constexpr std::uint64_t kMostExtended = 1U << 20U;  // bytes of an extended header that is looked into
constexpr int kLevel = 3;

template <class T>
void append_number(std::string& text, T value) {
    for (std::size_t i = 0; i < sizeof value; ++i) text += static_cast<char>(value >> (8 * i));
}
// A numeric field: octal, or GNU's base 256 when its first bit is set.
std::optional<std::uint64_t> number_field(std::string_view field) {
    std::uint64_t value = 0;
    if ((static_cast<unsigned char>(field.front()) & 0x80U) != 0) {
        for (std::size_t i = 0; i < field.size(); ++i) {
            const auto byte = static_cast<unsigned char>(field[i]) & (i == 0 ? 0x7fU : 0xffU);
            if (value >> 55U != 0) return std::nullopt;
            value = value << 8U | byte;
        }
        return value;
    }
    field = field.substr(0, std::min(field.find('\0'), field.size()));
    field = trim(field);
    for (const char c : field) {
        if (c < '0' || c > '7') return std::nullopt;
        value = value << 3U | static_cast<unsigned>(c - '0');
    }
    return value;
}

std::string_view text_field(std::string_view field) {
    return field.substr(0, std::min(field.find('\0'), field.size()));
}

bool has_valid_sum(std::string_view header) {
    const auto wanted = number_field(header.substr(148, 8));
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i < kBlock; ++i) sum += i >= 148 && i < 156 ? ' ' : static_cast<unsigned char>(header[i]);
    return wanted == sum;
}

// "LENGTH KEY=VALUE\n" …
std::vector<std::pair<std::string, std::string>> pax_records(std::string_view text) {
    std::vector<std::pair<std::string, std::string>> records;
    while (!text.empty()) {
        const auto space = text.find(' ');
        const auto length = space == std::string_view::npos ? std::nullopt : parse_uint(text.substr(0, space));
        if (!length || *length <= space + 1 || *length > text.size()) break;
        const auto record = text.substr(space + 1, *length - space - 2);
        if (const auto halves = cut(record, '=')) records.emplace_back(halves->first, halves->second);
        text.remove_prefix(*length);
    }
    return records;
}

}  // namespace

// The compressed stream of instructions.
class RecipeWriter::Output {
public:
    explicit Output(Fd file)
        : file_(std::move(file)), context_(ZSTD_createCCtx()), buffer_(ZSTD_CStreamOutSize(), '\0') {
        if (context_) ZSTD_CCtx_setParameter(context_.get(), ZSTD_c_compressionLevel, kLevel);
    }

    Result<void> verbatim(std::string_view bytes) {
        verbatim_.append(bytes);
        return verbatim_.size() < kMostVerbatim ? Result<void>{} : flush();
    }
    Result<void> contents(std::uint64_t size, std::string_view path) {
        TRY(flush());
        std::string text = "F";
        append_number(text, size);
        append_number(text, static_cast<std::uint32_t>(path.size()));
        return compress(text.append(path), ZSTD_e_continue);
    }
    Result<void> finish(std::uint64_t size) {
        TRY(flush());
        TRY(compress({}, ZSTD_e_end));
        std::string head(kRecipeMagic);
        append_number(head, size);
        if (::pwrite(file_.raw(), head.data(), head.size(), 0) != static_cast<ssize_t>(head.size()))
            return fail_errno(errno, "write the layer's recipe");
        return {};
    }

private:
    struct FreeContext {
        void operator()(ZSTD_CCtx* context) const noexcept { ZSTD_freeCCtx(context); }
    };
    Result<void> flush() {
        while (!verbatim_.empty()) {
            const auto size = std::min(verbatim_.size(), kMostVerbatim);
            std::string text = "V";
            append_number(text, static_cast<std::uint32_t>(size));
            TRY(compress(text.append(verbatim_, 0, size), ZSTD_e_continue));
            verbatim_.erase(0, size);
        }
        return {};
    }
    Result<void> compress(std::string_view bytes, ZSTD_EndDirective directive) {
        if (!context_) return fail(Kind::exhausted, "zstd: out of memory");
        if (!began_) {
            TRY(sys::write_all(file_, std::string(kRecipeMagic.size() + 8, '\0')));
            began_ = true;
        }
        ZSTD_inBuffer input{bytes.data(), bytes.size(), 0};
        for (bool more = true; more;) {
            ZSTD_outBuffer output{buffer_.data(), buffer_.size(), 0};
            const auto left = ZSTD_compressStream2(context_.get(), &output, &input, directive);
            if (ZSTD_isError(left) != 0) return fail(Kind::bug, "zstd: {}", ZSTD_getErrorName(left));
            TRY(sys::write_all(file_, {buffer_.data(), output.pos}), "write the layer's recipe");
            more = directive == ZSTD_e_end ? left != 0 : input.pos < input.size;
        }
        return {};
    }

    Fd file_;
    std::unique_ptr<ZSTD_CCtx, FreeContext> context_;
    std::string buffer_;
    std::string verbatim_;
    bool began_ = false;
};

// Just enough of tar to know where the contents of files stand. What it does not understand is kept as it is, so that
// the recipe is right for every archive, if not small.
class RecipeWriter::Parser {
public:
    explicit Parser(Output& output) : output_(output) {}

    Result<void> take(std::string_view bytes) {
        total_ += bytes.size();
        while (!bytes.empty()) {
            switch (state_) {
                case State::header: {
                    const auto size = std::min(bytes.size(), kBlock - header_.size());
                    header_.append(bytes.substr(0, size));
                    bytes.remove_prefix(size);
                    if (header_.size() == kBlock) TRY(read_header());
                    break;
                }
                case State::contents: bytes.remove_prefix(pass(bytes.size())); break;
                case State::extended:
                case State::verbatim: {
                    const auto piece = bytes.substr(0, std::min<std::uint64_t>(bytes.size(), left_));
                    if (state_ == State::extended) extended_.append(piece);
                    TRY(output_.verbatim(piece));
                    bytes.remove_prefix(pass(piece.size()));
                    break;
                }
                case State::rest: return output_.verbatim(bytes);
            }
        }
        return {};
    }
    Result<void> finish() {
        TRY(output_.verbatim(header_));  // an archive that ends inside a block
        return output_.finish(total_);
    }

private:
    enum class State : std::uint8_t { header, contents, extended, verbatim, rest };

    std::size_t pass(std::uint64_t size) {
        size = std::min(size, left_);
        left_ -= size;
        if (left_ == 0) {
            if (state_ == State::extended) end_extended();
            left_ = std::exchange(padding_, 0);
            state_ = left_ > 0 ? State::verbatim : State::header;
        }
        return size;
    }

    Result<void> read_header() {
        const std::string header = std::exchange(header_, {});
        TRY(output_.verbatim(header));
        const auto size = number_field(std::string_view(header).substr(124, 12));
        if (!size || !has_valid_sum(header)) {  // the end of the archive, or something that is not ours to know
            state_ = State::rest;
            return {};
        }
        const char type = header[156];
        const bool extension = type == 'x' || type == 'L' || type == 'K' || type == 'g';
        left_ = extension ? *size : size_override_.value_or(*size);
        // Links, devices and directories have no contents, whatever their size field says.
        if (type >= '1' && type <= '6') left_ = 0;
        padding_ = (kBlock - left_ % kBlock) % kBlock;
        extended_type_ = type;
        state_ = (type == 'x' || type == 'L') && left_ <= kMostExtended ? State::extended : State::verbatim;
        if (!extension) TRY(begin_entry(header, type));
        if (left_ == 0) state_ = State::header;
        return {};
    }

    Result<void> begin_entry(std::string_view header, char type) {
        const bool plain = type == '0' || type == '\0' || type == '7';
        auto name = std::exchange(path_, {});
        size_override_.reset();
        const bool sparse = std::exchange(sparse_, false);
        if (!plain || sparse || left_ == 0) return {};
        if (name.empty()) {
            name = text_field(header.substr(0, 100));
            const auto prefix = header.substr(257, 6) == std::string_view("ustar\0", 6)
                                    ? text_field(header.substr(345, 155))
                                    : std::string_view();
            if (!prefix.empty()) name = std::format("{}/{}", prefix, name);
        }
        const auto path = normal_path(name);
        if (!path || path->empty() || path->size() > kMostRecipePath || name.ends_with('/')) return {};
        state_ = State::contents;
        return output_.contents(left_, *path);
    }

    void end_extended() {
        const auto text = std::exchange(extended_, {});
        if (extended_type_ == 'L') {
            path_ = text_field(text);
            return;
        }
        for (const auto& [key, value] : pax_records(text)) {
            if (key == "path") path_ = value;
            if (key == "size") size_override_ = parse_uint(value);
            if (key.starts_with("GNU.sparse.")) sparse_ = true;
        }
    }

    Output& output_;
    State state_ = State::header;
    std::string header_, extended_, path_;
    char extended_type_ = 0;
    std::optional<std::uint64_t> size_override_;
    bool sparse_ = false;
    std::uint64_t left_ = 0, padding_ = 0, total_ = 0;
};

RecipeWriter::RecipeWriter(Fd file)
    : output_(std::make_unique<Output>(std::move(file))), parser_(std::make_unique<Parser>(*output_)) {}
RecipeWriter::~RecipeWriter() = default;
Result<void> RecipeWriter::examine(std::span<const std::uint8_t> bytes) {
    return parser_->take({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
}
Result<void> RecipeWriter::finish() { return parser_->finish(); }

}  // namespace diatom::image
