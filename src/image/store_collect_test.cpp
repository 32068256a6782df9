// Collecting garbage beside everything else: pulls, containers, removals and prunes at random, in a process that is
// killed in the middle; then again, to the end. An image that was acknowledged and not removed is whole, a layer in use
// is there, and when all was removed nothing is left. DIATOM_TEST_SEED chooses another run.
#include <fcntl.h>
#include <gtest/gtest.h>

#include <csignal>
#include <cstdlib>
#include <mutex>
#include <random>
#include <thread>

#include "base/strings.h"
#include "image/testing/store_fixture.h"
#include "sys/file.h"
#include "tests/support/isolate.h"

namespace diatom::image {
namespace {

using testing::make_image;
using testing::one_file_layer;
using testing::TestImage;

constexpr int kImages = 6, kLayers = 5, kThreads = 4;

std::string layer_of(int i) { return one_file_layer(std::format("file{}", i), std::format("bytes of {}", i)); }

// Images that share layers.
TestImage image_of(int i) { return make_image({layer_of(i % kLayers), layer_of((i + 1) % kLayers)}, "amd64"); }
std::string tag_of(int i) { return std::format("docker.io/library/i{}:latest", i); }

// What was begun and what came to its end, in the order in which it did, in a file that outlives a kill.
class Journal {
public:
    explicit Journal(const std::string& path)
        : file_(sys::open_path(path, O_WRONLY | O_CREAT | O_APPEND, 0600).value()) {}
    void note(std::string_view what) {
        const std::lock_guard guard(mutex_);
        if (!sys::write_all(file_, std::format("{}\n", what))) std::abort();
    }

private:
    std::mutex mutex_;
    Fd file_;
};

// One thread's share: whatever fails is no failure of the case, but what succeeded must be true.
class Worker {
public:
    Worker(Store& store, Journal& journal, int number, unsigned seed)
        : store_(store), journal_(journal), number_(number), random_(seed) {}

    void step() {
        switch (random_() % 8) {
            case 0:
            case 1:
            case 2: return pull(pick(kImages));
            case 3: return remove(pick(kImages), pick(2) == 0);
            case 4:
            case 5: return create(pick(kImages));
            case 6: return drop();
            default:
                // A partial download whose removal lost a race is no matter; nothing else may fail.
                ASSERT_TRUE(store_.collect(pick(2) == 0 ? Leftovers::remove : Leftovers::keep_a_day));
        }
    }

private:
    int pick(int below) { return static_cast<int>(random_() % static_cast<unsigned>(below)); }

    void pull(int i) {
        const auto what = std::format("pull {} {}.{}", i, number_, ++turn_);
        journal_.note("begin " + what);
        auto done = try_pull(i);
        if (done) journal_.note("done " + what);
        else ASSERT_EQ(done.error().kind(), Kind::conflict) << done.error().what();  // another downloads the same
    }

    Result<void> try_pull(int i) {
        const auto image = image_of(i);
        const auto lease = store_.lease();
        const auto id = Digest::of(image.config), manifest = Digest::of(image.manifest);
        for (const auto& digest : {id, manifest}) lease->hold(digest);
        TRY(store_.put_blob(manifest, image.manifest));
        TRY(store_.put_blob(id, image.config));
        for (const auto& layer : image.layers) {
            const auto diff_id = Digest::of(layer);
            lease->hold(diff_id);
            if (TRY(store_.has_layer(diff_id))) continue;
            const auto blob = TRY(store_.receive_blob({.digest = diff_id, .size = layer.size()}));
            const auto half = layer.size() / 2;
            TRY(blob->write(half, std::string_view(layer).substr(half)));
            if (pick(8) == 0) return fail(Kind::conflict, "the connection broke");
            TRY(blob->write(0, std::string_view(layer).substr(0, half)));
            TRY(store_.unpack_layer(blob, diff_id, {}));
            if (pick(8) == 0) return fail(Kind::conflict, "the connection broke");
        }
        TRY(store_.add_image(id, manifest, tag_of(i), ""));
        return {};
    }

    void remove(int i, bool force) {
        const auto what = std::format("remove {} {}.{}", i, number_, ++turn_);
        journal_.note("begin " + what);
        const auto removed = store_.remove(tag_of(i), force, {});
        journal_.note("done " + what);
        if (removed) return;
        const auto kind = removed.error().kind();
        ASSERT_TRUE(kind == Kind::not_found || kind == Kind::conflict) << removed.error().what();
    }

    void create(int i) {
        const auto image = store_.find(tag_of(i));
        if (!image) return;
        const auto container = std::format("c{}.{}", number_, ++turn_);
        journal_.note("begin create " + container);
        const auto made = store_.create_rootfs(container, image->id);
        if (!made) {
            ASSERT_EQ(made.error().kind(), Kind::not_found) << made.error().what();
            return;
        }
        journal_.note(std::format("done create {} {}", container, i));
        containers_.emplace_back(container, i);
        check(container, i);
    }

    void drop() {
        if (containers_.empty()) return;
        const auto index = static_cast<std::size_t>(pick(static_cast<int>(containers_.size())));
        const auto [container, i] = containers_[index];
        check(container, i);
        journal_.note("begin drop " + container);
        const auto removed = store_.remove_rootfs(container);
        ASSERT_TRUE(removed) << removed.error().what();
        containers_.erase(containers_.begin() + static_cast<std::ptrdiff_t>(index));
    }

    void check(const std::string& container, int i);

    Store& store_;
    Journal& journal_;
    int number_, turn_ = 0;
    std::mt19937 random_;
    std::vector<std::pair<std::string, int>> containers_;
};

void expect_root(Store& store, const std::string& container, int i) {
    const auto rootfs = store.rootfs(container);
    ASSERT_TRUE(rootfs) << rootfs.error().what();
    ASSERT_EQ(rootfs->lower.size(), 2U);
    for (const int layer : {i % kLayers, (i + 1) % kLayers}) {
        const auto& directory = rootfs->lower[layer == i % kLayers ? 1 : 0];
        const auto text = sys::read_file(std::format("{}/file{}", directory, layer));
        ASSERT_TRUE(text) << container << ": " << text.error().what();
        EXPECT_EQ(*text, std::format("bytes of {}", layer));
    }
}

void Worker::check(const std::string& container, int i) { expect_root(store_, container, i); }

class CollectTest : public testing::StoreFixture {
protected:
    struct Known {
        std::map<std::string, int> containers;  // acknowledged, and not begun to be removed: their images
        std::vector<int> images;                // that must be there
    };

    // Of an image that was pulled and not touched by a removal since the pull began.
    Known read_journal() const {
        Known known;
        std::map<int, int> removing;         // removals under way
        std::map<std::string, int> pulling;  // pulls under way that nothing has disturbed
        std::map<int, bool> there;
        const auto text = *sys::read_file(journal());
        for (const auto line : split(text, '\n')) {
            const auto words = split_words(line);
            if (words.size() < 3) continue;
            const bool begins = words[0] == "begin";
            const std::string key(words.back());
            if (words[1] == "create" && !begins) known.containers[std::string(words[2])] = int(*parse_uint(words[3]));
            if (words[1] == "drop") known.containers.erase(std::string(words[2]));
            if (words[1] != "pull" && words[1] != "remove") continue;
            const int i = static_cast<int>(*parse_uint(words[2]));
            if (words[1] == "remove") {
                removing[i] += begins ? 1 : -1;
                there[i] = false;
                std::erase_if(pulling, [&](const auto& entry) { return entry.second == i; });
            } else if (begins) {
                if (removing[i] == 0) pulling[key] = i;
            } else if (pulling.erase(key) > 0) {
                there[i] = true;
            }
        }
        for (const auto& [i, present] : there) {
            if (present) known.images.push_back(i);
        }
        return known;
    }
    std::string journal() const { return directory_ / "journal"; }

    void expect_whole(int i) {
        const auto image = store_->find(tag_of(i));
        ASSERT_TRUE(image) << image.error().what();
        EXPECT_EQ(store_->read_blob(image->id, kMaxManifest).value_or(""), image_of(i).config);
        EXPECT_EQ(store_->read_blob(image->manifest, kMaxManifest).value_or(""), image_of(i).manifest);
        const auto container = std::format("whole{}", i);
        ASSERT_TRUE(store_->create_rootfs(container, image->id));
        expect_root(*store_, container, i);
        ASSERT_TRUE(store_->remove_rootfs(container));
    }

    // `steps` of each thread; in the middle of them the process is killed, when `kill`.
    void churn(unsigned seed, int steps, bool kill) {
        Journal notes(journal());
        std::atomic<int> left = kill ? static_cast<int>(seed % 97) + 20 : steps * kThreads + 1;
        std::vector<std::thread> threads;
        for (int number = 0; number < kThreads; ++number) {
            threads.emplace_back([&, number] {
                Worker worker(*store_, notes, number + 10 * ++generation_, seed * 31 + static_cast<unsigned>(number));
                for (int i = 0; i < steps && !HasFatalFailure(); ++i) {
                    worker.step();
                    if (--left == 0) ::raise(SIGKILL);
                }
            });
        }
        for (auto& thread : threads) thread.join();
    }

    // A new engine: it knows the containers that were acknowledged, and the others' roots go.
    void restart() {
        store_.reset();
        store_ = *Store::open(root());
        std::vector<Store::Root> containers;
        for (const auto& [container, i] : read_journal().containers) containers.emplace_back(container, std::nullopt);
        const auto recovered = store_->recover(containers);
        ASSERT_TRUE(recovered) << recovered.error().what();
    }

    void expect_true_to_the_journal() {
        const auto known = read_journal();
        for (const int i : known.images) expect_whole(i);
        for (const auto& [container, i] : known.containers) expect_root(*store_, container, i);
    }

    void expect_nothing_left() {
        for (const auto& [container, i] : read_journal().containers) ASSERT_TRUE(store_->remove_rootfs(container));
        const auto images = store_->list().value();
        for (const auto& image : images) ASSERT_TRUE(store_->remove(image.id.text(), true, {}));
        ASSERT_TRUE(store_->collect(Leftovers::remove));
        for (const auto* directory : {"/layers", "/ingest", "/rootfs", "/blobs/sha256", "/blobs/sha512"})
            EXPECT_TRUE(sys::list_dir(root() + directory)->empty()) << directory;
        EXPECT_TRUE(store_->layer_sizes()->empty());
    }

    std::atomic<int> generation_ = 0;
};

TEST_F(CollectTest, TakesNothingThatIsInUseAndLeavesNothingThatIsNot) {
    const char* chosen = std::getenv("DIATOM_TEST_SEED");
    const auto first = chosen != nullptr ? static_cast<unsigned>(std::atoi(chosen)) : 1U;
    for (unsigned seed = first; seed < first + 6; ++seed) {
        SCOPED_TRACE(std::format("DIATOM_TEST_SEED={}", seed));
        store_.reset();
        const int status = test::in_child([&] {
            generation_ = static_cast<int>(seed) * 1000;
            store_ = *Store::open(root());
            churn(seed, 1000, true);
            return 0;
        });
        ASSERT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) << "the churning ended otherwise: " << status;
        restart();
        expect_true_to_the_journal();
        if (HasFailure()) return;
    }
    generation_ = 1'000'000;
    churn(first, 100, false);
    expect_true_to_the_journal();
    restart();
    expect_true_to_the_journal();
    expect_nothing_left();
}

TEST_F(CollectTest, WhatIsHeldStays) {
    const auto layer = one_file_layer("f", "x");
    auto lease = store_->lease();
    lease->hold(Digest::of(layer));
    ASSERT_TRUE(unpack(layer));
    lease->hold(Digest::of("blob"));
    ASSERT_TRUE(store_->put_blob(Digest::of("blob"), "blob"));
    ASSERT_TRUE(store_->collect(Leftovers::remove));
    EXPECT_TRUE(*store_->has_layer(Digest::of(layer)));
    EXPECT_TRUE(*store_->has_blob(Digest::of("blob")));
    lease.reset();
    ASSERT_TRUE(store_->collect(Leftovers::remove));
    EXPECT_FALSE(*store_->has_layer(Digest::of(layer)));
    EXPECT_FALSE(*store_->has_blob(Digest::of("blob")));
}

TEST_F(CollectTest, ARootOfAnImageThatIsNotThereIsNotMade) {
    EXPECT_EQ(store_->create_rootfs("c", Digest::of("nothing")).error().kind(), Kind::not_found);
    EXPECT_TRUE(sys::list_dir(root() + "/rootfs")->empty());
}

TEST_F(CollectTest, AnImageWithARootStaysThoughNobodySaysSo) {
    const auto image = make_image({one_file_layer("f", "x")});
    const auto id = Digest::of(image.config);
    ASSERT_TRUE(unpack(image.layers[0]));
    ASSERT_TRUE(store_->put_blob(id, image.config));
    ASSERT_TRUE(store_->add_image(id, {}, "docker.io/library/x:latest", ""));
    ASSERT_TRUE(store_->create_rootfs("c", id));
    EXPECT_EQ(store_->remove("x", false, {}).error().kind(), Kind::conflict);
    EXPECT_EQ(store_->find("x")->id, id);
    ASSERT_TRUE(store_->remove("x", true, {}));
    EXPECT_TRUE(store_->find(id.text()));
}

// A pull whose image somebody prunes at that moment has not failed.
TEST_F(CollectTest, AnImageThatGoesAtOnceWasAdded) {
    const auto image = make_image({one_file_layer("f", "x")});
    const auto id = Digest::of(image.config);
    const auto lease = store_->lease();
    for (const auto& digest : {id, Digest::of(image.layers[0])}) lease->hold(digest);
    ASSERT_TRUE(unpack(image.layers[0]));
    ASSERT_TRUE(store_->put_blob(id, image.config));
    std::atomic<bool> ending = false;
    std::thread other([&] {
        while (!ending) std::ignore = store_->remove("x", true, {});
    });
    for (int i = 0; i < 500; ++i) {
        const auto added = store_->add_image(id, {}, "docker.io/library/x:latest", "");
        EXPECT_TRUE(added && added->tags.size() == 1) << (added ? "without its tag" : added.error().what());
    }
    ending = true;
    other.join();
}

}  // namespace
}  // namespace diatom::image
