// Something to share: a tab of its own with a picture that moves and a tone.
export async function openSlides(person, title, hertz) {
  const tab = await person.context.newPage()
  await tab.setContent(`<title>${title}</title><body style="margin:0;background:#ffd"><canvas width="1280" height="800"></canvas>`)
  await tab.evaluate(
    ([title, hertz]) => {
      const ink = document.querySelector('canvas').getContext('2d')
      ink.font = '80px sans-serif'
      let frame = 0
      setInterval(() => {
        frame++
        ink.fillStyle = '#ffd'
        ink.fillRect(0, 0, 1280, 800)
        ink.fillStyle = frame % 20 < 10 ? '#036' : '#c30'
        ink.fillRect((frame * 16) % 1280, 200, 400, 500)
        ink.fillText(`${title} ${frame}`, 60, 120)
      }, 66)
      const audio = new AudioContext()
      const tone = audio.createOscillator()
      const volume = audio.createGain()
      volume.gain.value = 0.3
      tone.frequency.value = hertz
      tone.connect(volume).connect(audio.destination)
      tone.start()
      return audio.resume()
    },
    [title, hertz],
  )
  await person.page.bringToFront()
  return tab
}
