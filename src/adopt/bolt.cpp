#include "adopt/bolt.h"

#include <cstdint>
#include <functional>
#include <optional>

namespace diatom::adopt {
namespace {

constexpr std::size_t kPageHead = 16, kElement = 16, kBucketHead = 16;
constexpr std::uint16_t kBranch = 0x01, kLeaf = 0x02;
constexpr std::uint32_t kIsBucket = 0x01;
constexpr std::uint32_t kMagic = 0xED0CDAED, kVersion = 2;
constexpr std::size_t kMeta = 64, kMetaRoot = 16, kMetaTransaction = 48, kMetaSum = 56;
constexpr std::size_t kSmallestPage = 512, kLargestPage = 64U << 10U;
constexpr int kMaxDepth = 32;

// Of integers in a machine's own order, which was little-endian wherever Docker ran on RancherOS. 0 beyond the end.
template <class T>
T read_at(std::string_view bytes, std::size_t at) {
    T value = 0;
    if (bytes.size() < sizeof(T) || at > bytes.size() - sizeof(T)) return value;
    for (std::size_t i = sizeof(T); i-- > 0;)
        value = static_cast<T>(static_cast<T>(value << 8U) | static_cast<unsigned char>(bytes[at + i]));
    return value;
}

std::uint64_t checksum(std::string_view bytes) {
    std::uint64_t sum = 0xcbf29ce484222325;
    for (const char c : bytes) sum = (sum ^ static_cast<unsigned char>(c)) * 0x100000001b3;
    return sum;
}

struct Meta {
    std::size_t page_size = 0;
    std::uint64_t root = 0, transaction = 0;
};

std::optional<Meta> read_meta(std::string_view file, std::size_t page) {
    if (file.size() < kPageHead + kMeta || page > file.size() - kPageHead - kMeta) return std::nullopt;
    const auto meta = file.substr(page + kPageHead, kMeta);
    const auto page_size = read_at<std::uint32_t>(meta, 8);
    const auto sum = read_at<std::uint64_t>(meta, kMetaSum);
    if (read_at<std::uint32_t>(meta, 0) != kMagic || read_at<std::uint32_t>(meta, 4) != kVersion) return std::nullopt;
    if (page_size < kSmallestPage || page_size > kLargestPage) return std::nullopt;
    // Of the first databases it was not written.
    if (sum != 0 && sum != checksum(meta.substr(0, kMetaSum))) return std::nullopt;
    return Meta{page_size, read_at<std::uint64_t>(meta, kMetaRoot), read_at<std::uint64_t>(meta, kMetaTransaction)};
}

// The later one of two that are whole: a power cut may have torn the other.
std::optional<Meta> find_meta(std::string_view file) {
    auto found = read_meta(file, 0);
    for (std::size_t page = kSmallestPage; page <= kLargestPage; page *= 2) {
        const auto second = read_meta(file, page);
        if (second && second->page_size == page && (!found || second->transaction > found->transaction)) found = second;
    }
    return found;
}

using Visit = std::function<Result<void>(std::string_view key, std::string_view value, bool is_bucket)>;

class Database {
public:
    Database(std::string_view file, const Meta& meta) : file_(file), page_size_(meta.page_size) {}

    Result<void> walk(std::uint64_t number, const Visit& visit, int depth = 0) {
        // Each page is reached once in a tree, however its pages are linked in a damaged one.
        if (depth > kMaxDepth || ++seen_ > file_.size() / page_size_) return fail(Kind::corrupt, "its pages go round");
        if (number >= file_.size() / page_size_) return fail(Kind::corrupt, "page {} lies beyond its end", number);
        return walk_page(file_.substr(static_cast<std::size_t>(number) * page_size_), visit, depth);
    }

    // `page`: with all that follows it.
    Result<void> walk_page(std::string_view page, const Visit& visit, int depth) {
        const auto flags = read_at<std::uint16_t>(page, 8), count = read_at<std::uint16_t>(page, 10);
        if ((flags & (kBranch | kLeaf)) == 0) return fail(Kind::corrupt, "a page that holds nothing is in a bucket");
        for (std::size_t i = 0; i < count; ++i) {
            const auto at = kPageHead + i * kElement;
            if (page.size() < at + kElement) return fail(Kind::corrupt, "a page ends early");
            const auto element = page.substr(at);
            if ((flags & kBranch) != 0) TRY(walk(read_at<std::uint64_t>(element, 8), visit, depth + 1));
            else TRY(visit_leaf(element, visit));
        }
        return {};
    }

private:
    static Result<void> visit_leaf(std::string_view element, const Visit& visit) {
        const std::size_t at = read_at<std::uint32_t>(element, 4), key = read_at<std::uint32_t>(element, 8),
                          value = read_at<std::uint32_t>(element, 12);
        if (at > element.size() || key > element.size() - at || value > element.size() - at - key)
            return fail(Kind::corrupt, "a value lies beyond its end");
        const bool is_bucket = (read_at<std::uint32_t>(element, 0) & kIsBucket) != 0;
        return visit(element.substr(at, key), element.substr(at + key, value), is_bucket);
    }

    std::string_view file_;
    std::size_t page_size_;
    std::size_t seen_ = 0;
};

}  // namespace

Result<std::vector<std::pair<std::string, std::string>>> read_bolt_bucket(std::string_view file,
                                                                          std::string_view bucket) {
    const auto meta = find_meta(file);
    if (!meta) return fail(Kind::corrupt, "it is no Bolt database");
    Database roots(file, *meta);
    std::optional<std::string_view> head;
    TRY(roots.walk(meta->root, [&](std::string_view key, std::string_view value, bool is_bucket) -> Result<void> {
        if (is_bucket && key == bucket) head = value;
        return {};
    }));
    if (!head) return fail(Kind::not_found, "it has no bucket {}", bucket);
    if (head->size() < kBucketHead) return fail(Kind::corrupt, "the bucket {} is cut off", bucket);
    std::vector<std::pair<std::string, std::string>> pairs;
    const Visit take = [&](std::string_view key, std::string_view value, bool is_bucket) -> Result<void> {
        if (!is_bucket) pairs.emplace_back(key, value);
        return {};
    };
    Database values(file, *meta);
    const auto first = read_at<std::uint64_t>(*head, 0);
    if (first != 0) TRY(values.walk(first, take));
    else TRY(values.walk_page(head->substr(kBucketHead), take, 0));
    return pairs;
}

}  // namespace diatom::adopt
