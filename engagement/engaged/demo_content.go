package engaged

import "time"

type demoPost struct {
	ago      time.Duration
	author   string
	text     string
	likes    []string
	saves    []string
	comments []demoComment
}

type demoComment struct{ author, text string }

// demoPosts are the posts of the demo, oldest first. The last one has no
// comments: when it exists, the demo is complete.
var demoPosts = []demoPost{
	{
		ago: 74 * time.Hour, author: "noor",
		text: "The community garden has its water back! Taps by the shed and by the east gate both work. " +
			"Please close them fully, the one by the shed needs a good half turn more than you think.",
		likes: []string{"mika", "ada", "joao", "wren", "tomas", "ines"}, saves: []string{"wren"},
		comments: []demoComment{
			{"wren", "Finally. My beans are writing you a thank-you letter."},
			{"tomas", "I have a spare washer for that tap, will bring it on Saturday."},
			{"noor", "@tomas you are a hero."},
		},
	},
	{
		ago: 61 * time.Hour, author: "joao",
		text:  "Rode the ridge trail before work. Fog below, sun above, nobody there but two very confused sheep.",
		likes: []string{"ada", "ines", "mika", "kofi"}, saves: []string{"ines", "kofi"},
		comments: []demoComment{
			{"kofi", "Is the wooden bridge passable again?"},
			{"joao", "Yes, but walk the bike over it, two planks are loose."},
		},
	},
	{
		ago: 52 * time.Hour, author: "ines",
		text: "Bread report, week 7: stopped kneading, started folding every half hour, baked in a pot with the lid on. " +
			"It is the first one that I would serve to other people.",
		likes: []string{"noor", "wren", "ada", "kofi", "mika", "tomas", "joao"}, saves: []string{"noor", "ada", "mika"},
		comments: []demoComment{
			{"mika", "How long with the lid off?"},
			{"ines", "Twenty minutes with, twenty-five without. Then wait a full hour, which is the hard part."},
			{"ada", "Mine came out flat again. Warmer flour next time?"},
			{"ines", "Check your starter first: a spoonful should float in water."},
		},
	},
	{
		ago: 47 * time.Hour, author: "tomas",
		text: "Found in the attic: my grandfather's radio, valves and all. It hums, it glows, and after three minutes " +
			"it played a football match. No idea which language.",
		likes: []string{"kofi", "ada", "wren"}, saves: []string{"kofi"},
		comments: []demoComment{
			{"kofi", "Do not leave it plugged in until somebody has looked at the capacitors. I can on Thursday."},
		},
	},
	{
		ago: 33 * time.Hour, author: "ada",
		text:  "Small victory: the library now lends out tools. I came home with a book and a belt sander.",
		likes: []string{"noor", "tomas", "ines", "joao", "wren"}, saves: []string{"tomas", "joao"},
		comments: []demoComment{
			{"joao", "Which of the two is louder?"},
			{"ada", "The book, so far."},
		},
	},
	{
		ago: 27 * time.Hour, author: "wren",
		text:  "Whoever left a bag of quinces at my door: I have no idea what to do with them and I love you.",
		likes: []string{"noor", "ines", "ada", "mika"},
		comments: []demoComment{
			{"ines", "Jelly! Or roast them with honey, slowly, until they turn pink."},
			{"noor", "It was me. There are eleven more kilos."},
		},
	},
	{
		ago: 21 * time.Hour, author: "kofi",
		text: "Repair café this Thursday from six, in the room behind the post office. Bring what is broken and the cable " +
			"that belongs to it. Last month: 14 things in, 11 working out, one of them a wedding dress.",
		likes: []string{"tomas", "ada", "noor", "wren", "joao", "ines", "mika"}, saves: []string{"tomas", "ada", "wren", "mika"},
		comments: []demoComment{
			{"mika", "Can I bring a bicycle light?"},
			{"kofi", "You can bring the bicycle."},
			{"wren", "I can help with anything made of cloth."},
		},
	},
	{
		ago: 9 * time.Hour, author: "mika",
		text:  "First snow on the north side this morning! Gone by ten, but it counts.",
		likes: []string{"joao", "wren"},
		comments: []demoComment{
			{"joao", "It counts double if you were the first to see it."},
		},
	},
	{
		ago: 4 * time.Hour, author: "noor",
		text: "Looking for: someone with a car and half an hour on Sunday. Offering: eleven kilos of quinces, " +
			"conversation, and the good thermos.",
		likes: []string{"wren", "ines"}, saves: []string{"ines"},
		comments: []demoComment{
			{"tomas", "Car, yes. Quinces, no, I have seen what they did to Wren."},
		},
	},
	{
		ago: 50 * time.Minute, author: "joao",
		text:  "Bridge on the ridge trail is closed from Monday for two weeks. They are replacing all of the planks, not just the two.",
		likes: []string{"kofi"}, saves: []string{"kofi"},
	},
	{
		ago: 40 * time.Minute, author: "ines",
		text: "Bread report, week 8: it floats!",
	},
}
